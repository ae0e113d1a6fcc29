package sidecar

import (
	"context"
	"encoding/json"
	"testing"
)

func TestInjectionAnnotationBecomesLabel(t *testing.T) {
	for name, test := range map[string]struct {
		template string
		want     string
	}{
		"asked for": {`{"metadata":{"annotations":{"sidecar.istio.io/inject":"true"}}}`, "true"},
		"refused":   {`{"metadata":{"labels":{"a":"b"},"annotations":{"sidecar.istio.io/inject":"false"}}}`, "false"},
		"not said":  {`{"metadata":{"labels":{"a":"b"}}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var deployment Deployment
			if err := json.Unmarshal([]byte(`{"spec":{"template":`+test.template+`}}`), &deployment); err != nil {
				t.Fatal(err)
			}
			deployment.SetDefaults(context.Background())
			if got := deployment.Spec.Template.Labels[Inject]; got != test.want {
				t.Errorf("label is %q, want %q", got, test.want)
			}
		})
	}
}
