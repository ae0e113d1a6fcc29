package https

import (
	"reflect"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"knative.dev/networking/pkg/apis/networking/v1alpha1"

	"selfhosted.serverless/lab/net-istio/pkg/gateways"
)

var outer = gateways.Gateway{Name: "outer", Namespace: "g", Service: "outer.mesh.svc.cluster.local"}

// todo has a rule outside and one inside the cluster, and TLS for the hosts.
func todo(hosts ...string) *v1alpha1.Ingress {
	ing := &v1alpha1.Ingress{ObjectMeta: metav1.ObjectMeta{Name: "todo", Namespace: "ns", UID: "1"}}
	ing.Spec.Rules = []v1alpha1.IngressRule{
		{Hosts: []string{"a.example.com", "b.example.com"}, Visibility: v1alpha1.IngressVisibilityExternalIP},
		{Hosts: []string{"todo.ns"}, Visibility: v1alpha1.IngressVisibilityClusterLocal},
	}
	for _, host := range hosts {
		ing.Spec.TLS = append(ing.Spec.TLS, v1alpha1.IngressTLS{Hosts: []string{host}, SecretName: "of-" + host})
	}
	return ing
}

func TestGatewaysOfAnIngress(t *testing.T) {
	for name, test := range map[string]struct {
		ingress     *v1alpha1.Ingress
		want        []string
		unsupported bool
	}{
		"no TLS":          {todo(), nil, false},
		"TLS outside":     {todo("a.example.com"), []string{"ns/todo-g-outer"}, false},
		"TLS inside":      {todo("todo.ns"), nil, true},
		"TLS on one more": {todo("b.example.com", "todo.ns"), []string{"ns/todo-g-outer"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Gateways(test.ingress, []gateways.Gateway{outer}); !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
			if got := Unsupported(test.ingress); got != test.unsupported {
				t.Errorf("unsupported is %v, want %v", got, test.unsupported)
			}
		})
	}
}

func TestBuild(t *testing.T) {
	built := Build(todo("a.example.com", "b.example.com"), outer, map[string]any{"istio": "ingressgateway"})
	server := func(host string) map[string]any {
		return map[string]any{
			"hosts": []any{host},
			"port":  map[string]any{"name": "ns/todo/of-" + host, "number": int64(443), "protocol": "HTTPS"},
			"tls":   map[string]any{"mode": "SIMPLE", "credentialName": "1-ns-of-" + host},
		}
	}
	want := map[string]any{
		"selector": map[string]any{"istio": "ingressgateway"},
		"servers":  []any{server("a.example.com"), server("b.example.com")},
	}
	if !reflect.DeepEqual(built.Object["spec"], want) {
		t.Errorf("got %v\nwant %v", built.Object["spec"], want)
	}
	if got := built.GetNamespace() + "/" + built.GetName(); got != "ns/todo-g-outer" {
		t.Errorf("it is named %s", got)
	}
	if !metav1.IsControlledBy(built, todo()) {
		t.Errorf("owned by %v", built.GetOwnerReferences())
	}
}

func TestCopy(t *testing.T) {
	source := &corev1.Secret{Type: corev1.SecretTypeTLS, Data: map[string][]byte{"tls.crt": []byte("c"), "tls.key": []byte("k")}}
	section := v1alpha1.IngressTLS{SecretName: "cert", SecretNamespace: "elsewhere"}
	made := Copy(todo(), section, source, "mesh")
	if got := made.Namespace + "/" + made.Name; got != "mesh/1-elsewhere-cert" {
		t.Errorf("it is named %s", got)
	}
	if made.Type != source.Type || !reflect.DeepEqual(made.Data, source.Data) || made.Labels[IngressLabel] != "1" {
		t.Errorf("got %v", made)
	}
}
