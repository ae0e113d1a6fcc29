package ingress

import (
	"net"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/tools/cache"
	"knative.dev/networking/pkg/apis/networking"

	"selfhosted.serverless/lab/net-istio/pkg/gateways"
	"selfhosted.serverless/lab/net-istio/pkg/probe"
)

// configSource tells which gateways there are at this moment; nil before the first reading of the configuration.
type configSource interface {
	Load() *gateways.Config
}

// selectOwned limits a watch to objects that belong to an ingress.
func selectOwned(options *metav1.ListOptions) {
	options.LabelSelector = networking.IngressLabelKey
}

// onGatewayPodsChanged calls a function whenever the ready pods of a gateway are other ones than before.
func onGatewayPodsChanged(source configSource, changed func()) cache.ResourceEventHandler {
	return cache.FilteringResourceEventHandler{
		FilterFunc: func(object any) bool { return isGateway(source.Load(), object) },
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc:    func(any) { changed() },
			DeleteFunc: func(any) { changed() },
			UpdateFunc: func(before, after any) {
				if !readyPods(before).Equal(readyPods(after)) {
					changed()
				}
			},
		},
	}
}

func isGateway(config *gateways.Config, object any) bool {
	if tombstone, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = tombstone.Obj
	}
	endpoints, ok := object.(*corev1.Endpoints)
	if !ok || config == nil {
		return false
	}
	key := types.NamespacedName{Namespace: endpoints.Namespace, Name: endpoints.Name}
	return slices.ContainsFunc(config.All(), func(gateway gateways.Gateway) bool { return gateway.ServiceKey() == key })
}

// readyPods returns the addresses and ports at which the ready pods listen.
func readyPods(object any) sets.Set[string] {
	pods := sets.New[string]()
	endpoints, ok := object.(*corev1.Endpoints)
	if !ok {
		return pods
	}
	for _, subset := range endpoints.Subsets {
		for address := range probe.Addresses(subset) {
			for _, port := range subset.Ports {
				pods.Insert(net.JoinHostPort(address, strconv.Itoa(int(port.Port))))
			}
		}
	}
	return pods
}
