package virtualservice

import (
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"knative.dev/networking/pkg/apis/networking/v1alpha1"
	"knative.dev/networking/pkg/ingress"

	"selfhosted.serverless/lab/net-istio/pkg/gateways"
)

var config = &gateways.Config{
	External: []gateways.Gateway{{Name: "outer", Namespace: "g", Service: "outer.mesh.svc.cluster.local"}},
	Local:    []gateways.Gateway{{Name: "inner", Namespace: "g", Service: "inner.mesh.svc.cluster.local"}},
}

func rule(visibility v1alpha1.IngressVisibility, hosts ...string) v1alpha1.IngressRule {
	return v1alpha1.IngressRule{
		Hosts: hosts, Visibility: visibility,
		HTTP: &v1alpha1.HTTPIngressRuleValue{Paths: []v1alpha1.HTTPIngressPath{splits(backend("one", 100))}},
	}
}

func todo(rules ...v1alpha1.IngressRule) *v1alpha1.Ingress {
	return &v1alpha1.Ingress{
		ObjectMeta: metav1.ObjectMeta{Name: "todo", Namespace: "ns", UID: "1", Labels: map[string]string{"a": "b"}},
		Spec:       v1alpha1.IngressSpec{Rules: rules},
	}
}

func withTLS(option v1alpha1.HTTPOption) *v1alpha1.Ingress {
	ing := todo(rule(v1alpha1.IngressVisibilityExternalIP, "todo.example.com"))
	ing.Spec.HTTPOption = option
	ing.Spec.TLS = []v1alpha1.IngressTLS{{Hosts: []string{"todo.example.com"}, SecretName: "cert"}}
	return ing
}

// object is the text of a VirtualService with one backend, %s being its spec.
const object = `
apiVersion: networking.istio.io/v1beta1
kind: VirtualService
metadata:
  name: todo-%s
  namespace: ns
  labels: {a: b, networking.internal.knative.dev/ingress: todo}
  ownerReferences:
    - {apiVersion: networking.internal.knative.dev/v1alpha1, kind: Ingress, name: todo, uid: "1", controller: true, blockOwnerDeletion: true}
spec: %s
`

// routePair is the text of the two routes of a rule: the one for probes and the one for clients.
func routePair(prefix, gateway, hash string) string {
	match := fmt.Sprintf("authority: {prefix: %s}, gateways: [%s]", prefix, gateway)
	return fmt.Sprintf(`
    {match: [{%[1]s, headers: {K-Network-Hash: {exact: override}}}], headers: {request: {set: {K-Network-Hash: "%[2]s"}}},
     retries: {}, route: [{weight: 100, %[3]s}]},
    {match: [{%[1]s}], retries: {}, route: [{weight: 100, %[3]s}]}`, match, hash, toOne)
}

func TestBuild(t *testing.T) {
	const external, local = v1alpha1.IngressVisibilityExternalIP, v1alpha1.IngressVisibilityClusterLocal
	const full, short = "todo.ns.svc.cluster.local", "todo.ns"
	for name, test := range map[string]struct {
		ingress *v1alpha1.Ingress
		config  *gateways.Config
		want    func(hash string) []string
	}{
		"inside and outside": {
			ingress: todo(rule(local, short, "todo.ns.svc", full), rule(external, "todo.example.com")), config: config,
			want: func(hash string) []string {
				return []string{
					fmt.Sprintf(object, "ingress", `{hosts: [todo.example.com, todo.ns, todo.ns.svc, todo.ns.svc.cluster.local], gateways: [g/inner, g/outer],
						http: [`+routePair(short, "g/inner", hash)+`,`+routePair("todo.example.com", "g/outer", hash)+`]}`),
					fmt.Sprintf(object, "mesh", `{hosts: [todo.ns, todo.ns.svc, todo.ns.svc.cluster.local], gateways: [mesh],
						http: [`+routePair(short, "mesh", hash)+`]}`),
				}
			},
		},
		"outside only": {
			ingress: todo(rule(external, "todo.example.com")), config: config,
			want: func(hash string) []string {
				return []string{fmt.Sprintf(object, "ingress", `{hosts: [todo.example.com], gateways: [g/outer],
					http: [`+routePair("todo.example.com", "g/outer", hash)+`]}`)}
			},
		},
		"TLS outside": {
			ingress: withTLS(v1alpha1.HTTPOptionEnabled), config: config,
			want: func(hash string) []string {
				return []string{fmt.Sprintf(object, "ingress", `{hosts: [todo.example.com], gateways: [g/outer, ns/todo-g-outer],
					http: [`+routePair("todo.example.com", "g/outer, ns/todo-g-outer", hash)+`]}`)}
			},
		},
		"TLS outside and a redirection to it": {
			ingress: withTLS(v1alpha1.HTTPOptionRedirected), config: config,
			want: func(hash string) []string {
				plain := `authority: {prefix: todo.example.com}, gateways: [g/outer]`
				return []string{fmt.Sprintf(object, "ingress", `{hosts: [todo.example.com], gateways: [g/outer, ns/todo-g-outer], http: [
					{match: [{`+plain+`, headers: {K-Network-Hash: {exact: override}}}],
					 headers: {request: {set: {K-Network-Hash: "`+hash+`"}}}, retries: {}, route: [{weight: 100, `+toOne+`}]},
					{match: [{`+plain+`}], redirect: {scheme: https}},`+routePair("todo.example.com", "ns/todo-g-outer", hash)+`]}`)}
			},
		},
		"no gateway for the inside": {
			ingress: todo(rule(local, full)), config: &gateways.Config{External: config.External},
			want: func(hash string) []string {
				return []string{fmt.Sprintf(object, "mesh", `{hosts: [todo.ns, todo.ns.svc, todo.ns.svc.cluster.local], gateways: [mesh],
					http: [`+routePair(short, "mesh", hash)+`]}`)}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			// The prober compares with the hash of the ingress as it is stored.
			hash, err := ingress.ComputeHash(test.ingress)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Build(test.ingress, test.config)
			if err != nil {
				t.Fatal(err)
			}
			want := test.want(fmt.Sprintf("%x", hash))
			if len(got) != len(want) {
				t.Fatalf("got %d VirtualServices, want %d", len(got), len(want))
			}
			for i := range want {
				assertYAML(t, got[i].Object, want[i])
			}
		})
	}
}

func TestBuildRefusesARuleWithoutPaths(t *testing.T) {
	broken := todo(v1alpha1.IngressRule{Hosts: []string{"todo.example.com"}})
	if _, err := Build(broken, config); err == nil {
		t.Error("no error")
	}
}
