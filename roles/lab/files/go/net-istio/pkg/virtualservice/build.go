package virtualservice

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	"knative.dev/networking/pkg/apis/networking"
	"knative.dev/networking/pkg/apis/networking/v1alpha1"
	"knative.dev/networking/pkg/ingress"
	"knative.dev/pkg/kmeta"
	"knative.dev/pkg/network"

	"selfhosted.serverless/lab/net-istio/pkg/gateways"
	"selfhosted.serverless/lab/net-istio/pkg/https"
)

// meshGateway is Istio's word for the sidecars.
const meshGateway = "mesh"

// Build writes the VirtualServices of an ingress: <name>-ingress for the gateways, and <name>-mesh for the sidecars
// if the ingress has hosts inside the cluster. Each carries the routes by which probes learn that it is in force.
//
// It fails when a rule has no paths or a backend cannot be expressed.
func Build(ing *v1alpha1.Ingress, config *gateways.Config) ([]*unstructured.Unstructured, error) {
	probed := ing.DeepCopy()
	if _, err := ingress.InsertProbe(probed); err != nil {
		return nil, err
	}
	var built []*unstructured.Unstructured
	for _, part := range []struct {
		name string
		make func(*v1alpha1.Ingress, *gateways.Config) (*Spec, error)
	}{
		{kmeta.ChildName(ing.Name, "-ingress"), gatewaySpec},
		{kmeta.ChildName(ing.Name, "-mesh"), meshSpec},
	} {
		spec, err := part.make(probed, config)
		if err != nil {
			return nil, err
		}
		if len(spec.HTTP) == 0 {
			continue
		}
		object, err := makeObject(ing, part.name, spec)
		if err != nil {
			return nil, err
		}
		built = append(built, object)
	}
	return built, nil
}

// gatewaySpec routes every host on the gateways of its rule's visibility.
func gatewaySpec(ing *v1alpha1.Ingress, config *gateways.Config) (*Spec, error) {
	hosts, names := sets.New[string](), sets.New[string]()
	spec := &Spec{}
	for _, rule := range ing.Spec.Rules {
		shared := config.For(ing, rule.Visibility)
		if len(shared) == 0 {
			continue
		}
		plain, secure := qualifiedNames(shared), []string(nil)
		if https.Hosts(ing).HasAny(rule.Hosts...) {
			secure = https.Gateways(ing, shared)
		}
		ruleHosts := ingress.ExpandedHosts(sets.New(rule.Hosts...))
		redirect := ing.Spec.HTTPOption == v1alpha1.HTTPOptionRedirected && !isLocal(rule)
		if err := spec.addGatewayRule(rule, ruleHosts, plain, secure, redirect); err != nil {
			return nil, err
		}
		hosts, names = hosts.Union(ruleHosts), names.Insert(plain...).Insert(secure...)
	}
	spec.Hosts, spec.Gateways = sets.List(hosts), sets.List(names)
	return spec, nil
}

// meshSpec routes the hosts inside the cluster in the sidecars of their clients.
func meshSpec(ing *v1alpha1.Ingress, _ *gateways.Config) (*Spec, error) {
	hosts := sets.New[string]()
	spec := &Spec{Gateways: []string{meshGateway}}
	for _, rule := range ing.Spec.Rules {
		ruleHosts := ingress.ExpandedHosts(clusterHosts(rule.Hosts))
		if len(ruleHosts) == 0 {
			continue
		}
		if err := spec.addRule(rule, ruleHosts, spec.Gateways, false); err != nil {
			return nil, err
		}
		hosts = hosts.Union(ruleHosts)
	}
	spec.Hosts = sets.List(hosts)
	return spec, nil
}

// addGatewayRule routes a rule on the gateways that take plain HTTP, or redirects clients there, and on those that take TLS.
func (s *Spec) addGatewayRule(rule v1alpha1.IngressRule, hosts sets.Set[string], plain, secure []string, redirect bool) error {
	if !redirect {
		return s.addRule(rule, hosts, sets.List(sets.New(plain...).Insert(secure...)), false)
	}
	if err := s.addRule(rule, hosts, plain, true); err != nil || len(secure) == 0 {
		return err
	}
	return s.addRule(rule, hosts, secure, false)
}

func (s *Spec) addRule(rule v1alpha1.IngressRule, hosts sets.Set[string], on []string, redirect bool) error {
	for _, path := range rule.HTTP.Paths {
		route, err := makeRoute(hosts, path, on, redirect)
		if err != nil {
			return err
		}
		s.HTTP = append(s.HTTP, route)
	}
	return nil
}

func isLocal(rule v1alpha1.IngressRule) bool {
	return rule.Visibility == v1alpha1.IngressVisibilityClusterLocal
}

func qualifiedNames(chosen []gateways.Gateway) []string {
	names := sets.New[string]()
	for _, gateway := range chosen {
		names.Insert(gateway.QualifiedName())
	}
	return sets.List(names)
}

// clusterHosts returns the hosts that are full names of the cluster's DNS.
func clusterHosts(hosts []string) sets.Set[string] {
	suffix := ".svc." + network.GetClusterDomainName()
	inside := sets.New[string]()
	for _, host := range hosts {
		if strings.HasSuffix(host, suffix) {
			inside.Insert(host)
		}
	}
	return inside
}

// makeObject wraps a spec into an object that the ingress owns and that bears its labels.
func makeObject(ing *v1alpha1.Ingress, name string, spec *Spec) (*unstructured.Unstructured, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(spec)
	if err != nil {
		return nil, fmt.Errorf("VirtualService %s/%s: %w", ing.Namespace, name, err)
	}
	object := &unstructured.Unstructured{Object: map[string]any{"spec": content}}
	object.SetGroupVersionKind(Resource.GroupVersion().WithKind("VirtualService"))
	object.SetNamespace(ing.Namespace)
	object.SetName(name)
	object.SetLabels(kmeta.UnionMaps(ing.Labels, map[string]string{networking.IngressLabelKey: ing.Name}))
	object.SetOwnerReferences([]metav1.OwnerReference{*kmeta.NewControllerRef(ing)})
	return object, nil
}
