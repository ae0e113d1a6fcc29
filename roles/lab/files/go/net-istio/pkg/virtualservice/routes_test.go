package virtualservice

import (
	"testing"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/sets"
	"knative.dev/networking/pkg/apis/networking/v1alpha1"
	"sigs.k8s.io/yaml"
)

func backend(revision string, percent int) v1alpha1.IngressBackendSplit {
	return v1alpha1.IngressBackendSplit{
		IngressBackend: v1alpha1.IngressBackend{
			ServiceNamespace: "ns", ServiceName: revision, ServicePort: intstr.FromInt32(80),
		},
		Percent:       percent,
		AppendHeaders: map[string]string{"Knative-Serving-Revision": revision},
	}
}

func splits(splits ...v1alpha1.IngressBackendSplit) v1alpha1.HTTPIngressPath {
	return v1alpha1.HTTPIngressPath{Splits: splits}
}

const (
	outside = `match: [{authority: {prefix: todo.ns.example.com}, gateways: [g/outer]}]`
	toOne   = `destination: {host: one.ns.svc.cluster.local, port: {number: 80}}, headers: {request: {set: {Knative-Serving-Revision: one}}}`
	toTwo   = `destination: {host: two.ns.svc.cluster.local, port: {number: 80}}, headers: {request: {set: {Knative-Serving-Revision: two}}}`
)

func TestMakeRoute(t *testing.T) {
	rewritten := splits(backend("one", 100))
	rewritten.RewriteHost = "todo.ns.svc.cluster.local"
	tagged := splits(backend("one", 100))
	tagged.Headers = map[string]v1alpha1.HeaderMatch{"Knative-Serving-Tag": {Exact: "green"}}
	tagged.AppendHeaders = map[string]string{"Knative-Serving-Default-Route": "false"}
	below := splits(backend("one", 100))
	below.Path = "/api"
	probe := splits(backend("one", 100))
	probe.Headers = map[string]v1alpha1.HeaderMatch{"K-Network-Hash": {Exact: "override"}}

	for name, test := range map[string]struct {
		path     v1alpha1.HTTPIngressPath
		redirect bool
		want     string
	}{
		"one backend has all the traffic, whatever its percent": {
			path: splits(backend("one", 0)),
			want: `{` + outside + `, retries: {}, route: [{weight: 100, ` + toOne + `}]}`,
		},
		"two backends share by percent": {
			path: splits(backend("one", 30), backend("two", 70)),
			want: `{` + outside + `, retries: {}, route: [{weight: 30, ` + toOne + `}, {weight: 70, ` + toTwo + `}]}`,
		},
		"a backend without a share is left out": {
			path: splits(backend("one", 100), backend("two", 0)),
			want: `{` + outside + `, retries: {}, route: [{weight: 100, ` + toOne + `}]}`,
		},
		"the host is rewritten": {
			path: rewritten,
			want: `{` + outside + `, retries: {}, rewrite: {authority: todo.ns.svc.cluster.local}, route: [{weight: 100, ` + toOne + `}]}`,
		},
		"headers are matched and set": {
			path: tagged,
			want: `{match: [{authority: {prefix: todo.ns.example.com}, gateways: [g/outer], headers: {Knative-Serving-Tag: {exact: green}}}],
				headers: {request: {set: {Knative-Serving-Default-Route: "false"}}}, retries: {}, route: [{weight: 100, ` + toOne + `}]}`,
		},
		"a path is matched by its beginning": {
			path: below,
			want: `{match: [{authority: {prefix: todo.ns.example.com}, gateways: [g/outer], uri: {prefix: /api}}],
				retries: {}, route: [{weight: 100, ` + toOne + `}]}`,
		},
		"clients are redirected": {
			path: splits(backend("one", 100)), redirect: true,
			want: `{` + outside + `, redirect: {scheme: https}}`,
		},
		"probes are not redirected": {
			path: probe, redirect: true,
			want: `{match: [{authority: {prefix: todo.ns.example.com}, gateways: [g/outer], headers: {K-Network-Hash: {exact: override}}}],
				retries: {}, route: [{weight: 100, ` + toOne + `}]}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := makeRoute(sets.New("todo.ns.example.com"), test.path, []string{"g/outer"}, test.redirect)
			if err != nil {
				t.Fatal(err)
			}
			assertYAML(t, got, test.want)
		})
	}
}

func TestMakeRouteRefuses(t *testing.T) {
	named := backend("one", 100)
	named.ServicePort = intstr.FromString("http")
	for name, path := range map[string]v1alpha1.HTTPIngressPath{
		"a port's name":              splits(named),
		"no backend":                 splits(),
		"no backend with any shares": splits(backend("one", 0), backend("two", 0)),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := makeRoute(sets.New("todo"), path, []string{"g/outer"}, false); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestShortestPrefixes(t *testing.T) {
	hosts := sets.New("todo.ns", "todo.ns.svc", "todo.ns.svc.cluster.local", "green-todo.ns")
	if got, want := shortestPrefixes(hosts), []string{"green-todo.ns", "todo.ns"}; !equality.Semantic.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// assertYAML compares a value, written as YAML, with a wanted text.
func assertYAML(t *testing.T, got any, want string) {
	t.Helper()
	gotText, err := yaml.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var gotValue, wantValue any
	if err := yaml.Unmarshal(gotText, &gotValue); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal([]byte(want), &wantValue); err != nil {
		t.Fatalf("wanted text: %v", err)
	}
	if !equality.Semantic.DeepEqual(gotValue, wantValue) {
		wantText, _ := yaml.Marshal(wantValue)
		t.Errorf("got:\n%s\nwant:\n%s", gotText, wantText)
	}
}
