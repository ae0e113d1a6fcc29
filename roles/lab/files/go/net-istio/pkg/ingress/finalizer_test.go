package ingress

import (
	"context"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic/fake"

	"selfhosted.serverless/lab/net-istio/pkg/gateways"
	"selfhosted.serverless/lab/net-istio/pkg/https"
)

func gateway(name string) *unstructured.Unstructured {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(https.Resource.GroupVersion().WithKind("Gateway"))
	object.SetNamespace("g")
	object.SetName(name)
	return object
}

func TestFinalizeKindNeedsEveryGateway(t *testing.T) {
	config := &gateways.Config{
		External: []gateways.Gateway{{Name: "outer", Namespace: "g"}},
		Local:    []gateways.Gateway{{Name: "inner", Namespace: "g"}},
	}
	for name, test := range map[string]struct {
		existing []string
		released bool
	}{
		"both there":      {[]string{"outer", "inner"}, true},
		"no local one":    {[]string{"outer"}, false},
		"no external one": {[]string{"inner"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			client := fake.NewSimpleDynamicClient(runtime.NewScheme())
			for _, existing := range test.existing {
				if err := client.Tracker().Create(https.Resource, gateway(existing), "g"); err != nil {
					t.Fatal(err)
				}
			}
			_, certificates := secretsIn(t)
			ours := &Reconciler{gateways: &owned{client: client}, certificates: certificates}
			event := ours.FinalizeKind(gateways.NewContext(context.Background(), config), todo())
			if released := event == nil; released != test.released {
				t.Errorf("released is %v (%v), want %v", released, event, test.released)
			}
		})
	}
}
