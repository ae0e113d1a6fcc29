package ingress

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"selfhosted.serverless/lab/net-istio/pkg/gateways"
)

type fixed struct{ config *gateways.Config }

func (f fixed) Load() *gateways.Config { return f.config }

func pods(service string, port int32, ready bool, ips ...string) *corev1.Endpoints {
	subset := corev1.EndpointSubset{Ports: []corev1.EndpointPort{{Port: port}}}
	for _, ip := range ips {
		address := corev1.EndpointAddress{IP: ip}
		if ready {
			subset.Addresses = append(subset.Addresses, address)
		} else {
			subset.NotReadyAddresses = append(subset.NotReadyAddresses, address)
		}
	}
	return &corev1.Endpoints{
		ObjectMeta: metav1.ObjectMeta{Namespace: "mesh", Name: service}, Subsets: []corev1.EndpointSubset{subset},
	}
}

func TestOnGatewayPodsChanged(t *testing.T) {
	config := &gateways.Config{External: []gateways.Gateway{{Name: "outer", Namespace: "g", Service: "outer.mesh.svc.cluster.local"}}}
	before := pods("outer", 8080, true, "10.0.0.1")
	for name, test := range map[string]struct {
		source fixed
		event  func(cache.ResourceEventHandler)
		want   int
	}{
		"added":         {fixed{config}, func(h cache.ResourceEventHandler) { h.OnAdd(before, false) }, 1},
		"another pod":   {fixed{config}, func(h cache.ResourceEventHandler) { h.OnUpdate(before, pods("outer", 8080, true, "10.0.0.2")) }, 1},
		"another port":  {fixed{config}, func(h cache.ResourceEventHandler) { h.OnUpdate(before, pods("outer", 80, true, "10.0.0.1")) }, 1},
		"no more ready": {fixed{config}, func(h cache.ResourceEventHandler) { h.OnUpdate(before, pods("outer", 8080, false, "10.0.0.1")) }, 1},
		"the same pods": {fixed{config}, func(h cache.ResourceEventHandler) { h.OnUpdate(before, before.DeepCopy()) }, 0},
		"deleted": {fixed{config}, func(h cache.ResourceEventHandler) {
			h.OnDelete(cache.DeletedFinalStateUnknown{Key: "mesh/outer", Obj: before})
		}, 1},
		"not a gateway":     {fixed{config}, func(h cache.ResourceEventHandler) { h.OnAdd(pods("other", 8080, true, "10.0.0.1"), false) }, 0},
		"nothing known yet": {fixed{}, func(h cache.ResourceEventHandler) { h.OnAdd(before, false) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			test.event(onGatewayPodsChanged(test.source, func() { calls++ }))
			if calls != test.want {
				t.Errorf("called %d times, want %d", calls, test.want)
			}
		})
	}
}
