package gateways

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"knative.dev/networking/pkg/apis/networking/v1alpha1"
)

const selecting = `
- {name: general, namespace: g, service: general.mesh.svc.cluster.local}
- name: special
  namespace: g
  service: special.mesh.svc.cluster.local.
  labelSelector: {matchLabels: {team: blue}}
`

func read(t *testing.T, data map[string]string) (*Config, error) {
	t.Helper()
	t.Setenv("SYSTEM_NAMESPACE", "knative-serving")
	return FromConfigMap(&corev1.ConfigMap{Data: data})
}

func names(gateways []Gateway) []string {
	var found []string
	for _, gateway := range gateways {
		found = append(found, gateway.QualifiedName()+"@"+gateway.ServiceKey().String())
	}
	return found
}

func TestFromConfigMap(t *testing.T) {
	for name, test := range map[string]struct {
		data            map[string]string
		external, local []string
	}{
		"nothing said": {
			map[string]string{"_example": "external-gateways: x"},
			[]string{"knative-serving/knative-ingress-gateway@istio-system/istio-ingressgateway"},
			[]string{"knative-serving/knative-local-gateway@istio-system/knative-local-gateway"},
		},
		"new keys": {
			map[string]string{externalKey: selecting},
			[]string{"g/general@mesh/general", "g/special@mesh/special"},
			[]string{"knative-serving/knative-local-gateway@istio-system/knative-local-gateway"},
		},
		"old keys": {
			map[string]string{"gateway.g.outer": "outer.mesh.svc.cluster.local", "local-gateway.inner": "inner.mesh.svc.cluster.local"},
			[]string{"g/outer@mesh/outer"},
			[]string{"knative-serving/inner@mesh/inner"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			config, err := read(t, test.data)
			if err != nil {
				t.Fatal(err)
			}
			if got := names(config.External); !slices.Equal(got, test.external) {
				t.Errorf("external: got %v, want %v", got, test.external)
			}
			if got := names(config.Local); !slices.Equal(got, test.local) {
				t.Errorf("local: got %v, want %v", got, test.local)
			}
		})
	}
}

func TestFromConfigMapRefuses(t *testing.T) {
	for name, data := range map[string]map[string]string{
		"both forms":            {externalKey: selecting, "local-gateway.g.inner": "inner.mesh.svc.cluster.local"},
		"no service":            {externalKey: "[{name: a, namespace: b}]"},
		"service in no place":   {localKey: "[{name: a, namespace: b, service: c}]"},
		"two without selectors": {externalKey: "[{name: a, namespace: b, service: c.d}, {name: e, namespace: b, service: c.d}]"},
		"unknown field":         {externalKey: "[{name: a, namespace: b, service: c.d, selector: {}}]"},
		"no list":               {externalKey: "a: b"},
		"old, no service":       {"gateway.g.outer": ""},
	} {
		t.Run(name, func(t *testing.T) {
			if config, err := read(t, data); err == nil {
				t.Errorf("no error, but %v", config)
			}
		})
	}
}

func TestForPrefersAMatchingSelector(t *testing.T) {
	config, err := read(t, map[string]string{externalKey: selecting})
	if err != nil {
		t.Fatal(err)
	}
	for team, want := range map[string]string{"blue": "special", "red": "general", "": "general"} {
		ingress := &v1alpha1.Ingress{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"team": team}}}
		got := config.For(ingress, v1alpha1.IngressVisibilityExternalIP)
		if len(got) != 1 || got[0].Name != want {
			t.Errorf("team %q: got %v, want %s", team, names(got), want)
		}
	}
}
