// Package probe finds the gateway pods that must know an ingress before it counts as ready.
package probe

import (
	"context"
	"fmt"
	"net/url"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	corelisters "k8s.io/client-go/listers/core/v1"
	"knative.dev/networking/pkg/apis/networking/v1alpha1"
	"knative.dev/networking/pkg/ingress"
	"knative.dev/networking/pkg/status"

	"selfhosted.serverless/lab/net-istio/pkg/gateways"
)

// httpPort is the port at which a gateway's Service takes plain HTTP.
const httpPort = 80

// Targets lists what to probe; it implements status.ProbeTargetLister.
type Targets struct {
	Services  corelisters.ServiceLister
	Endpoints corelisters.EndpointsLister
}

// ListProbeTargets returns, for each rule and each gateway that serves it, the ready pods of the gateway,
// the port on which they listen, and one URL per host.
//
// The gateways come from the context. It fails when a gateway has no Service with port 80 or no ready pod, so that an
// ingress never counts as ready with no gateway behind it.
func (t *Targets) ListProbeTargets(ctx context.Context, ing *v1alpha1.Ingress) ([]status.ProbeTarget, error) {
	var targets []status.ProbeTarget
	for _, rule := range ing.Spec.Rules {
		urls := probeURLs(rule)
		for _, gateway := range gateways.FromContext(ctx).For(ing, rule.Visibility) {
			found, err := t.pods(gateway)
			if err != nil {
				return nil, fmt.Errorf("gateway %s: %w", gateway.QualifiedName(), err)
			}
			for _, target := range found {
				target.URLs = urls
				targets = append(targets, target)
			}
		}
	}
	return targets, nil
}

// pods returns the addresses behind the HTTP port of a gateway's Service, without URLs.
func (t *Targets) pods(gateway gateways.Gateway) ([]status.ProbeTarget, error) {
	key := gateway.ServiceKey()
	service, err := t.Services.Services(key.Namespace).Get(key.Name)
	if err != nil {
		return nil, err
	}
	portName, err := httpPortName(service)
	if err != nil {
		return nil, err
	}
	endpoints, err := t.Endpoints.Endpoints(key.Namespace).Get(key.Name)
	if err != nil {
		return nil, err
	}
	var targets []status.ProbeTarget
	for _, subset := range endpoints.Subsets {
		addresses := Addresses(subset)
		for _, port := range subset.Ports {
			if port.Name == portName && len(addresses) > 0 {
				targets = append(targets, status.ProbeTarget{
					PodIPs:  addresses,
					PodPort: strconv.Itoa(int(port.Port)),
					Port:    strconv.Itoa(httpPort),
				})
			}
		}
	}
	if len(targets) == 0 {
		return nil, fmt.Errorf("service %s has no ready pod yet", key)
	}
	return targets, nil
}

// Addresses returns the addresses of the ready pods of a subset.
func Addresses(subset corev1.EndpointSubset) sets.Set[string] {
	addresses := sets.New[string]()
	for _, address := range subset.Addresses {
		addresses.Insert(address.IP)
	}
	return addresses
}

func httpPortName(service *corev1.Service) (string, error) {
	for _, port := range service.Spec.Ports {
		if port.Port == httpPort {
			return port.Name, nil
		}
	}
	return "", fmt.Errorf("service %s/%s has no port %d", service.Namespace, service.Name, httpPort)
}

// probeURLs returns one URL per host of a rule. A rule without a path for everything is probed under its first path,
// because no other request would reach it.
func probeURLs(rule v1alpha1.IngressRule) []*url.URL {
	var urls []*url.URL
	for _, host := range sets.List(ingress.ExpandedHosts(sets.New(rule.Hosts...))) {
		urls = append(urls, &url.URL{Scheme: "http", Host: host, Path: probePath(rule)})
	}
	return urls
}

func probePath(rule v1alpha1.IngressRule) string {
	if rule.HTTP == nil || len(rule.HTTP.Paths) == 0 {
		return ""
	}
	for _, path := range rule.HTTP.Paths {
		if path.Path == "" || path.Path == "/" {
			return ""
		}
	}
	return rule.HTTP.Paths[0].Path
}
