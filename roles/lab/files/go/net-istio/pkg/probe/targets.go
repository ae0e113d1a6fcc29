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
	"selfhosted.serverless/lab/net-istio/pkg/https"
)

// httpPort is the port at which a gateway's Service takes plain HTTP.
const httpPort = 80

// Targets lists what to probe; it implements status.ProbeTargetLister.
type Targets struct {
	Services  corelisters.ServiceLister
	Endpoints corelisters.EndpointsLister
}

// ListProbeTargets returns, for each rule and each gateway that serves it, the ready pods of the gateway,
// the port on which they listen, and one URL per host; a host that is served over TLS is asked for both ways.
//
// The gateways come from the context. It fails when a gateway has no Service with the port or no ready pod, so that an
// ingress never counts as ready with no gateway behind it.
func (t *Targets) ListProbeTargets(ctx context.Context, ing *v1alpha1.Ingress) ([]status.ProbeTarget, error) {
	var targets []status.ProbeTarget
	for _, rule := range ing.Spec.Rules {
		hosts := ingress.ExpandedHosts(sets.New(rule.Hosts...))
		for _, gateway := range gateways.FromContext(ctx).For(ing, rule.Visibility) {
			for _, way := range []struct {
				scheme string
				port   int32
				hosts  sets.Set[string]
			}{
				{"http", httpPort, hosts},
				{"https", https.Port, hosts.Intersection(https.Hosts(ing))},
			} {
				if len(way.hosts) == 0 {
					continue
				}
				found, err := t.pods(gateway, way.port)
				if err != nil {
					return nil, fmt.Errorf("gateway %s: %w", gateway.QualifiedName(), err)
				}
				for _, target := range found {
					target.URLs = probeURLs(way.scheme, way.hosts, rule)
					targets = append(targets, target)
				}
			}
		}
	}
	return targets, nil
}

// pods returns the addresses behind a port of a gateway's Service, without URLs.
func (t *Targets) pods(gateway gateways.Gateway, number int32) ([]status.ProbeTarget, error) {
	key := gateway.ServiceKey()
	service, err := t.Services.Services(key.Namespace).Get(key.Name)
	if err != nil {
		return nil, err
	}
	portName, err := portName(service, number)
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
					Port:    strconv.Itoa(int(number)),
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

func portName(service *corev1.Service, number int32) (string, error) {
	for _, port := range service.Spec.Ports {
		if port.Port == number {
			return port.Name, nil
		}
	}
	return "", fmt.Errorf("service %s/%s has no port %d", service.Namespace, service.Name, number)
}

// probeURLs returns one URL per host. A rule without a path for everything is probed under its first path,
// because no other request would reach it.
func probeURLs(scheme string, hosts sets.Set[string], rule v1alpha1.IngressRule) []*url.URL {
	var urls []*url.URL
	for _, host := range sets.List(hosts) {
		urls = append(urls, &url.URL{Scheme: scheme, Host: host, Path: probePath(rule)})
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
