package virtualservice

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/sets"
	"knative.dev/networking/pkg/apis/networking/v1alpha1"
	"knative.dev/networking/pkg/http/header"
	"knative.dev/pkg/network"
)

const allTraffic = 100 // percent

// makeRoute writes the route of one path of a rule, for the given hosts and on the given gateways.
func makeRoute(hosts sets.Set[string], path v1alpha1.HTTPIngressPath, gateways []string, redirect bool) (HTTPRoute, error) {
	route := HTTPRoute{Match: makeMatches(hosts, path, gateways)}
	// A probe must learn which version the gateway has, so it is routed also where clients are redirected.
	if redirect && !isProbe(path) {
		route.Redirect = &Redirect{Scheme: "https"}
		return route, nil
	}
	for _, split := range path.Splits {
		if split.Percent == 0 && len(path.Splits) > 1 {
			continue
		}
		destination, err := makeDestination(split, len(path.Splits) == 1)
		if err != nil {
			return HTTPRoute{}, err
		}
		route.Route = append(route.Route, destination)
	}
	if len(route.Route) == 0 {
		return HTTPRoute{}, fmt.Errorf("hosts %v, path %q: no backend has a share of the traffic", sets.List(hosts), path.Path)
	}
	if path.RewriteHost != "" {
		route.Rewrite = &Rewrite{Authority: path.RewriteHost}
	}
	route.Headers = makeHeaders(path.AppendHeaders)
	route.Retries = &struct{}{}
	return route, nil
}

func isProbe(path v1alpha1.HTTPIngressPath) bool {
	return path.Headers[header.HashKey].Exact == header.HashValueOverride
}

func makeDestination(split v1alpha1.IngressBackendSplit, alone bool) (Destination, error) {
	if split.ServicePort.Type != intstr.Int {
		return Destination{}, fmt.Errorf("service %s/%s: port %q is a name; Istio wants a number",
			split.ServiceNamespace, split.ServiceName, split.ServicePort.StrVal)
	}
	weight := int64(split.Percent)
	if alone {
		weight = allTraffic
	}
	return Destination{
		Destination: Backend{
			Host: network.GetServiceHostname(split.ServiceName, split.ServiceNamespace),
			Port: Port{Number: int64(split.ServicePort.IntVal)},
		},
		Weight:  weight,
		Headers: makeHeaders(split.AppendHeaders),
	}, nil
}

func makeHeaders(set map[string]string) *Headers {
	if len(set) == 0 {
		return nil
	}
	return &Headers{Request: HeaderOperations{Set: set}}
}

// makeMatches writes one match per host: by prefix, because a request may name a port behind the host.
func makeMatches(hosts sets.Set[string], path v1alpha1.HTTPIngressPath, gateways []string) []Match {
	var matches []Match
	for _, host := range shortestPrefixes(hosts) {
		match := Match{Authority: StringMatch{Prefix: host}, Gateways: gateways}
		if path.Path != "" {
			match.URI = &StringMatch{Prefix: path.Path}
		}
		for name, value := range path.Headers {
			if match.Headers == nil {
				match.Headers = map[string]StringMatch{}
			}
			match.Headers[name] = StringMatch{Exact: value.Exact}
		}
		matches = append(matches, match)
	}
	return matches
}

// shortestPrefixes returns the sorted hosts without those that begin with another of them:
// todo.default stands for todo.default.svc and todo.default.svc.cluster.local as well.
func shortestPrefixes(hosts sets.Set[string]) []string {
	var shortest []string
	for _, host := range sets.List(hosts) {
		covered := slices.ContainsFunc(shortest, func(prefix string) bool { return strings.HasPrefix(host, prefix) })
		if !covered {
			shortest = append(shortest, host)
		}
	}
	return shortest
}
