// Package https writes what serves an ingress's hosts outside the cluster over TLS: Istio Gateways of the ingress's own
// beside the shared ones, and copies of its certificates in the namespace of the gateway's pods, where Istio looks for them.
package https

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	"knative.dev/networking/pkg/apis/networking"
	"knative.dev/networking/pkg/apis/networking/v1alpha1"
	"knative.dev/pkg/kmeta"

	"selfhosted.serverless/lab/net-istio/pkg/gateways"
)

// Resource is the API of Istio's Gateways.
var Resource = schema.GroupVersionResource{Group: "networking.istio.io", Version: "v1beta1", Resource: "gateways"}

// Port is the port of a gateway's Service that takes TLS.
const Port = 443

// Served returns the TLS sections of an ingress for hosts outside the cluster.
func Served(ing *v1alpha1.Ingress) []v1alpha1.IngressTLS {
	var served []v1alpha1.IngressTLS
	for _, section := range ing.Spec.TLS {
		if hosts(ing, v1alpha1.IngressVisibilityExternalIP).HasAny(section.Hosts...) {
			served = append(served, section)
		}
	}
	return served
}

// Unsupported tells whether an ingress wants TLS for hosts inside the cluster.
func Unsupported(ing *v1alpha1.Ingress) bool {
	return len(Served(ing)) < len(ing.Spec.TLS)
}

// Hosts returns the hosts of an ingress that are served over TLS.
func Hosts(ing *v1alpha1.Ingress) sets.Set[string] {
	served := sets.New[string]()
	for _, section := range Served(ing) {
		served.Insert(section.Hosts...)
	}
	return served
}

// Gateways returns the names, in the form <namespace>/<name>, of the ingress's own Gateways beside the given shared ones.
func Gateways(ing *v1alpha1.Ingress, shared []gateways.Gateway) []string {
	var names []string
	if len(Served(ing)) > 0 {
		for _, gateway := range shared {
			names = append(names, ing.Namespace+"/"+gatewayName(ing, gateway))
		}
	}
	return names
}

// Build writes the ingress's own Gateway beside a shared one, on the pods that the selector of the shared one chooses.
func Build(ing *v1alpha1.Ingress, shared gateways.Gateway, selector map[string]any) *unstructured.Unstructured {
	var servers []any
	for _, section := range Served(ing) {
		servers = append(servers, map[string]any{
			"hosts": anys(section.Hosts),
			"port":  map[string]any{"name": portName(ing, section), "number": int64(Port), "protocol": "HTTPS"},
			"tls":   map[string]any{"mode": "SIMPLE", "credentialName": CopyName(ing, section)},
		})
	}
	object := &unstructured.Unstructured{Object: map[string]any{
		"spec": map[string]any{"selector": selector, "servers": servers},
	}}
	object.SetGroupVersionKind(Resource.GroupVersion().WithKind("Gateway"))
	object.SetNamespace(ing.Namespace)
	object.SetName(gatewayName(ing, shared))
	object.SetLabels(kmeta.UnionMaps(ing.Labels, map[string]string{networking.IngressLabelKey: ing.Name}))
	object.SetOwnerReferences([]metav1.OwnerReference{*kmeta.NewControllerRef(ing)})
	return object
}

func gatewayName(ing *v1alpha1.Ingress, shared gateways.Gateway) string {
	return kmeta.ChildName(ing.Name, "-"+shared.Namespace+"-"+shared.Name)
}

// portName is unique among all Gateways on the same pods, as Istio wants it.
func portName(ing *v1alpha1.Ingress, section v1alpha1.IngressTLS) string {
	return ing.Namespace + "/" + ing.Name + "/" + section.SecretName
}

func hosts(ing *v1alpha1.Ingress, visibility v1alpha1.IngressVisibility) sets.Set[string] {
	found := sets.New[string]()
	for _, rule := range ing.Spec.Rules {
		if rule.Visibility == visibility {
			found.Insert(rule.Hosts...)
		}
	}
	return found
}

func anys(texts []string) []any {
	var found []any
	for _, text := range texts {
		found = append(found, text)
	}
	return found
}
