package probe

import (
	"context"
	"fmt"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"knative.dev/networking/pkg/apis/networking/v1alpha1"
	"knative.dev/networking/pkg/status"

	"selfhosted.serverless/lab/net-istio/pkg/gateways"
)

var config = &gateways.Config{
	External: []gateways.Gateway{{Name: "outer", Namespace: "g", Service: "outer.mesh.svc.cluster.local"}},
	Local:    []gateways.Gateway{{Name: "inner", Namespace: "g", Service: "inner.mesh.svc.cluster.local"}},
}

func named(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: "mesh", Name: name}
}

func service(name string, port int32) *corev1.Service {
	return &corev1.Service{ObjectMeta: named(name), Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{
		{Name: "status", Port: 15021}, {Name: "http2", Port: port},
	}}}
}

func endpoints(name string, port int32, ready ...string) *corev1.Endpoints {
	subset := corev1.EndpointSubset{
		NotReadyAddresses: []corev1.EndpointAddress{{IP: "10.0.0.99"}},
		Ports:             []corev1.EndpointPort{{Name: "status", Port: 15021}, {Name: "http2", Port: port}},
	}
	for _, ip := range ready {
		subset.Addresses = append(subset.Addresses, corev1.EndpointAddress{IP: ip})
	}
	return &corev1.Endpoints{ObjectMeta: named(name), Subsets: []corev1.EndpointSubset{subset}}
}

func targetsIn(t *testing.T, objects ...metav1.Object) *Targets {
	t.Helper()
	index := map[bool]cache.Indexer{}
	for _, isService := range []bool{true, false} {
		index[isService] = cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{})
	}
	for _, object := range objects {
		_, isService := object.(*corev1.Service)
		if err := index[isService].Add(object); err != nil {
			t.Fatal(err)
		}
	}
	return &Targets{
		Services:  corelisters.NewServiceLister(index[true]),
		Endpoints: corelisters.NewEndpointsLister(index[false]),
	}
}

func withRules(rules ...v1alpha1.IngressRule) *v1alpha1.Ingress {
	return &v1alpha1.Ingress{Spec: v1alpha1.IngressSpec{Rules: rules}}
}

func rule(visibility v1alpha1.IngressVisibility, path string, hosts ...string) v1alpha1.IngressRule {
	return v1alpha1.IngressRule{
		Hosts: hosts, Visibility: visibility,
		HTTP: &v1alpha1.HTTPIngressRuleValue{Paths: []v1alpha1.HTTPIngressPath{{Path: path}}},
	}
}

// described writes each URL of the targets with the pods that are asked for it.
func described(targets []status.ProbeTarget) []string {
	var found []string
	for _, target := range targets {
		for _, url := range target.URLs {
			found = append(found, fmt.Sprintf("%s at %v:%s", url, sets.List(target.PodIPs), target.PodPort))
		}
	}
	return found
}

func TestListProbeTargets(t *testing.T) {
	const external, local = v1alpha1.IngressVisibilityExternalIP, v1alpha1.IngressVisibilityClusterLocal
	targets := targetsIn(t,
		service("outer", 80), endpoints("outer", 8080, "10.0.0.1", "10.0.0.2"),
		service("inner", 80), endpoints("inner", 8081, "10.0.0.1"),
	)
	found, err := targets.ListProbeTargets(gateways.NewContext(context.Background(), config), withRules(
		rule(external, "", "todo.example.com"),
		rule(local, "", "todo.ns.svc.cluster.local"),
		rule(external, "/only", "api.example.com"),
	))
	if err != nil {
		t.Fatal(err)
	}
	got := described(found)
	want := []string{
		"http://todo.example.com at [10.0.0.1 10.0.0.2]:8080",
		"http://todo.ns at [10.0.0.1]:8081",
		"http://todo.ns.svc at [10.0.0.1]:8081",
		"http://todo.ns.svc.cluster.local at [10.0.0.1]:8081",
		"http://api.example.com/only at [10.0.0.1 10.0.0.2]:8080",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func TestListProbeTargetsAsksForTLSToo(t *testing.T) {
	outer, pods := service("outer", 80), endpoints("outer", 8080, "10.0.0.1")
	outer.Spec.Ports = append(outer.Spec.Ports, corev1.ServicePort{Name: "https", Port: 443})
	pods.Subsets[0].Ports = append(pods.Subsets[0].Ports, corev1.EndpointPort{Name: "https", Port: 8443})
	ing := withRules(rule(v1alpha1.IngressVisibilityExternalIP, "", "todo.example.com", "plain.example.com"))
	ing.Spec.TLS = []v1alpha1.IngressTLS{{Hosts: []string{"todo.example.com"}, SecretName: "cert"}}
	found, err := targetsIn(t, outer, pods).ListProbeTargets(gateways.NewContext(context.Background(), config), ing)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"http://plain.example.com at [10.0.0.1]:8080",
		"http://todo.example.com at [10.0.0.1]:8080",
		"https://todo.example.com at [10.0.0.1]:8443",
	}
	if got := described(found); !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func TestListProbeTargetsRefuses(t *testing.T) {
	for name, objects := range map[string][]metav1.Object{
		"no Service":   {},
		"no endpoints": {service("outer", 80)},
		"no ready pod": {service("outer", 80), endpoints("outer", 8080)},
		"no HTTP port": {service("outer", 81), endpoints("outer", 8080, "10.0.0.1")},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := gateways.NewContext(context.Background(), config)
			found, err := targetsIn(t, objects...).ListProbeTargets(ctx, withRules(
				rule(v1alpha1.IngressVisibilityExternalIP, "", "todo.example.com")))
			if err == nil {
				t.Errorf("no error, but %v", found)
			}
		})
	}
}
