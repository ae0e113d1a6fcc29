package ingress

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"knative.dev/networking/pkg/apis/networking/v1alpha1"
	ingressreconciler "knative.dev/networking/pkg/client/injection/reconciler/networking/v1alpha1/ingress"
	"knative.dev/pkg/reconciler"

	"selfhosted.serverless/lab/net-istio/pkg/gateways"
	"selfhosted.serverless/lab/net-istio/pkg/https"
)

// With this interface the generated reconciler puts its finalizer on every ingress and takes it off after FinalizeKind.
var _ ingressreconciler.Finalizer = (*Reconciler)(nil)

// FinalizeKind lets an ingress go. As upstream's, it needs every Gateway of config-istio: upstream takes the servers of the
// ingress out of them, here there are none to take out. While a Gateway is missing, the ingress stays.
// The copies of its certificates go with it.
func (r *Reconciler) FinalizeKind(ctx context.Context, ing *v1alpha1.Ingress) reconciler.Event {
	if err := findGateways(ctx, r.gateways.client, gateways.FromContext(ctx)); err != nil {
		return err
	}
	return r.certificates.removeOthers(ctx, ing, nil)
}

func findGateways(ctx context.Context, client dynamic.Interface, config *gateways.Config) error {
	for _, gateway := range config.All() {
		if _, err := getGateway(ctx, client, gateway); err != nil {
			return err
		}
	}
	return nil
}

func getGateway(ctx context.Context, client dynamic.Interface, gateway gateways.Gateway) (*unstructured.Unstructured, error) {
	found, err := client.Resource(https.Resource).Namespace(gateway.Namespace).Get(ctx, gateway.Name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("cannot get Gateway %s: %w", gateway.QualifiedName(), err)
	}
	return found, nil
}
