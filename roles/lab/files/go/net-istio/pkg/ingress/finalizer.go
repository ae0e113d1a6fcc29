package ingress

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"knative.dev/networking/pkg/apis/networking/v1alpha1"
	ingressreconciler "knative.dev/networking/pkg/client/injection/reconciler/networking/v1alpha1/ingress"
	"knative.dev/pkg/reconciler"

	"selfhosted.serverless/lab/net-istio/pkg/gateways"
	"selfhosted.serverless/lab/net-istio/pkg/virtualservice"
)

// gatewayResource is the API of the Gateways that config-istio names.
var gatewayResource = schema.GroupVersionResource{
	Group: virtualservice.Resource.Group, Version: virtualservice.Resource.Version, Resource: "gateways",
}

// With this interface the generated reconciler puts its finalizer on every ingress and takes it off after FinalizeKind.
var _ ingressreconciler.Finalizer = (*Reconciler)(nil)

// FinalizeKind lets an ingress go. As upstream's, it needs every Gateway of config-istio: upstream takes the servers of the
// ingress out of them, here there are none to take out. While a Gateway is missing, the ingress stays.
func (r *Reconciler) FinalizeKind(ctx context.Context, _ *v1alpha1.Ingress) reconciler.Event {
	return findGateways(ctx, r.virtualServices.client, gateways.FromContext(ctx))
}

func findGateways(ctx context.Context, client dynamic.Interface, config *gateways.Config) error {
	for _, gateway := range config.All() {
		_, err := client.Resource(gatewayResource).Namespace(gateway.Namespace).Get(ctx, gateway.Name, metav1.GetOptions{})
		if err != nil {
			return fmt.Errorf("cannot get Gateway %s: %w", gateway.QualifiedName(), err)
		}
	}
	return nil
}
