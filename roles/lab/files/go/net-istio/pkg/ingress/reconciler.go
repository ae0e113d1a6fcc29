// Package ingress reconciles Knative's ingresses of Istio's class.
package ingress

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"knative.dev/networking/pkg/apis/networking/v1alpha1"
	ingressreconciler "knative.dev/networking/pkg/client/injection/reconciler/networking/v1alpha1/ingress"
	"knative.dev/networking/pkg/status"
	"knative.dev/pkg/controller"
	"knative.dev/pkg/reconciler"

	"selfhosted.serverless/lab/net-istio/pkg/gateways"
	"selfhosted.serverless/lab/net-istio/pkg/https"
	"selfhosted.serverless/lab/net-istio/pkg/virtualservice"
)

// cacheWait is the time until the next look while the watches of what ingresses own have not begun.
const cacheWait = 200 * time.Millisecond

// Reconciler writes an ingress's VirtualServices, and Gateways for its TLS, and tells in its status when the gateways have them.
type Reconciler struct {
	virtualServices *owned
	gateways        *owned
	certificates    *certificates
	prober          status.Manager
}

var _ ingressreconciler.Interface = (*Reconciler)(nil)

// ReconcileKind implements the generated interface; the caller stores the status and the observed generation.
func (r *Reconciler) ReconcileKind(ctx context.Context, ing *v1alpha1.Ingress) reconciler.Event {
	if !r.virtualServices.synced() || !r.gateways.synced() {
		return controller.NewRequeueAfter(cacheWait)
	}
	// An unchanged ingress that was ready stays so: a restart of this controller must not make it unready.
	wasReady := ing.IsReady()
	ing.SetDefaults(ctx)
	ing.Status.InitializeConditions()

	if https.Unsupported(ing) {
		ing.Status.MarkLoadBalancerFailed("TLSUnsupported", "The lab's stand-in for net-istio serves plain HTTP only "+
			"inside the cluster; leave cluster-local-domain-tls in config-network disabled.")
		return nil
	}
	config := gateways.FromContext(ctx)
	if err := r.reconcileTLS(ctx, ing, config); err != nil {
		return err
	}
	desired, err := virtualservice.Build(ing, config)
	if err != nil {
		return err
	}
	if err := r.virtualServices.bring(ctx, ing, desired); err != nil {
		return err
	}
	ing.Status.MarkNetworkConfigured()

	ready, err := r.isReady(ctx, ing, wasReady)
	if err != nil {
		ing.Status.MarkLoadBalancerNotReady()
		return fmt.Errorf("cannot ask the gateways: %w", err)
	}
	if !ready {
		ing.Status.MarkLoadBalancerNotReady()
		return nil
	}
	ing.Status.MarkLoadBalancerReady(
		loadBalancers(config.For(ing, v1alpha1.IngressVisibilityExternalIP)),
		loadBalancers(config.For(ing, v1alpha1.IngressVisibilityClusterLocal)),
	)
	return nil
}

// reconcileTLS provides the certificates first, so that a new Gateway never waits for one.
func (r *Reconciler) reconcileTLS(ctx context.Context, ing *v1alpha1.Ingress, config *gateways.Config) error {
	var own []*unstructured.Unstructured
	var namespaces []string
	if len(https.Served(ing)) > 0 {
		for _, gateway := range config.For(ing, v1alpha1.IngressVisibilityExternalIP) {
			shared, err := getGateway(ctx, r.gateways.client, gateway)
			if err != nil {
				return err
			}
			selector, _, err := unstructured.NestedMap(shared.Object, "spec", "selector")
			if err != nil {
				return fmt.Errorf("gateway %s: %w", gateway.QualifiedName(), err)
			}
			own = append(own, https.Build(ing, gateway, selector))
			namespaces = append(namespaces, gateway.ServiceKey().Namespace)
		}
	}
	if err := r.certificates.bring(ctx, ing, namespaces); err != nil {
		return err
	}
	return r.gateways.bring(ctx, ing, own)
}

func (r *Reconciler) isReady(ctx context.Context, ing *v1alpha1.Ingress, wasReady bool) (bool, error) {
	if wasReady {
		return true, nil
	}
	return r.prober.IsReady(ctx, ing)
}

// loadBalancers tells by which names of the cluster's DNS the gateways are reached; without gateways only sidecars are.
func loadBalancers(chosen []gateways.Gateway) []v1alpha1.LoadBalancerIngressStatus {
	if len(chosen) == 0 {
		return []v1alpha1.LoadBalancerIngressStatus{{MeshOnly: true}}
	}
	var statuses []v1alpha1.LoadBalancerIngressStatus
	for _, gateway := range chosen {
		statuses = append(statuses, v1alpha1.LoadBalancerIngressStatus{DomainInternal: gateway.Service})
	}
	return statuses
}
