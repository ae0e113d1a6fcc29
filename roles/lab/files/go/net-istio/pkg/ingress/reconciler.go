// Package ingress reconciles Knative's ingresses of Istio's class.
package ingress

import (
	"context"
	"fmt"
	"time"

	"knative.dev/networking/pkg/apis/networking/v1alpha1"
	ingressreconciler "knative.dev/networking/pkg/client/injection/reconciler/networking/v1alpha1/ingress"
	"knative.dev/networking/pkg/status"
	"knative.dev/pkg/controller"
	"knative.dev/pkg/reconciler"

	"selfhosted.serverless/lab/net-istio/pkg/gateways"
	"selfhosted.serverless/lab/net-istio/pkg/virtualservice"
)

// cacheWait is the time until the next look while the watch of the VirtualServices has not begun.
const cacheWait = 200 * time.Millisecond

// Reconciler writes an ingress's VirtualServices and tells in its status when the gateways have them.
type Reconciler struct {
	virtualServices *virtualServices
	prober          status.Manager
}

var _ ingressreconciler.Interface = (*Reconciler)(nil)

// ReconcileKind implements the generated interface; the caller stores the status and the observed generation.
func (r *Reconciler) ReconcileKind(ctx context.Context, ing *v1alpha1.Ingress) reconciler.Event {
	if !r.virtualServices.synced() {
		return controller.NewRequeueAfter(cacheWait)
	}
	// An unchanged ingress that was ready stays so: a restart of this controller must not make it unready.
	wasReady := ing.IsReady()
	ing.SetDefaults(ctx)
	ing.Status.InitializeConditions()

	if len(ing.Spec.TLS) > 0 {
		ing.Status.MarkLoadBalancerFailed("TLSUnsupported", "The lab's stand-in for net-istio serves plain HTTP only; "+
			"leave external-domain-tls and cluster-local-domain-tls in config-network disabled.")
		return nil
	}
	config := gateways.FromContext(ctx)
	if err := r.reconcileVirtualServices(ctx, ing, config); err != nil {
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

func (r *Reconciler) reconcileVirtualServices(ctx context.Context, ing *v1alpha1.Ingress, config *gateways.Config) error {
	desired, err := virtualservice.Build(ing, config)
	if err != nil {
		return err
	}
	for _, object := range desired {
		if err := r.virtualServices.store(ctx, ing, object); err != nil {
			return err
		}
	}
	return r.virtualServices.removeOthers(ctx, ing, desired)
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
