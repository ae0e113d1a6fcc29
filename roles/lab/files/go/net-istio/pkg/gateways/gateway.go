// Package gateways reads which Istio gateways serve Knative's ingresses, from the ConfigMap config-istio.
package gateways

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"knative.dev/networking/pkg/apis/networking/v1alpha1"
)

// Gateway is one Istio Gateway and the Service in front of its pods.
type Gateway struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
	// Service is the Service's name in the cluster's DNS: <name>.<namespace>.svc.<cluster domain>.
	Service string `json:"service"`
	// LabelSelector limits the gateway to ingresses with matching labels; without one it is the default gateway.
	LabelSelector *metav1.LabelSelector `json:"labelSelector,omitempty"`
}

// QualifiedName returns the gateway's name as VirtualServices refer to it: <namespace>/<name>.
func (g Gateway) QualifiedName() string {
	return g.Namespace + "/" + g.Name
}

// ServiceKey returns the namespace and name of the gateway's Service.
func (g Gateway) ServiceKey() types.NamespacedName {
	name, rest, _ := strings.Cut(g.Service, ".")
	namespace, _, _ := strings.Cut(rest, ".")
	return types.NamespacedName{Namespace: namespace, Name: name}
}

func (g Gateway) check() error {
	if g.Name == "" || g.Namespace == "" || g.Service == "" {
		return fmt.Errorf("gateway %q: name, namespace and service must all be set", g.QualifiedName())
	}
	key := g.ServiceKey()
	if key.Name == "" || key.Namespace == "" {
		return fmt.Errorf("gateway %q: service %q is not of the form name.namespace.svc.domain", g.QualifiedName(), g.Service)
	}
	if _, err := metav1.LabelSelectorAsSelector(g.LabelSelector); err != nil {
		return fmt.Errorf("gateway %q: %w", g.QualifiedName(), err)
	}
	return nil
}

func (g Gateway) selects(ingress labels.Set) bool {
	selector, err := metav1.LabelSelectorAsSelector(g.LabelSelector)
	return err == nil && g.LabelSelector != nil && selector.Matches(ingress)
}

// Config is what config-istio says: the gateways by whom they serve.
type Config struct {
	External []Gateway
	Local    []Gateway
}

// For returns the gateways that serve the rules of a visibility of an ingress:
// those that select the ingress by its labels, or else those without a selector.
func (c *Config) For(ingress *v1alpha1.Ingress, visibility v1alpha1.IngressVisibility) []Gateway {
	gateways := c.External
	if visibility == v1alpha1.IngressVisibilityClusterLocal {
		gateways = c.Local
	}
	var selected, general []Gateway
	for _, gateway := range gateways {
		switch {
		case gateway.LabelSelector == nil:
			general = append(general, gateway)
		case gateway.selects(ingress.Labels):
			selected = append(selected, gateway)
		}
	}
	if len(selected) > 0 {
		return selected
	}
	return general
}

// All returns every gateway, the external ones first.
func (c *Config) All() []Gateway {
	return append(append([]Gateway{}, c.External...), c.Local...)
}
