package ingress

import (
	"context"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/dynamic/dynamiclister"
	"k8s.io/client-go/tools/cache"
	"knative.dev/networking/pkg/apis/networking"
	"knative.dev/networking/pkg/apis/networking/v1alpha1"
	ingressinformer "knative.dev/networking/pkg/client/injection/informers/networking/v1alpha1/ingress"
	ingressreconciler "knative.dev/networking/pkg/client/injection/reconciler/networking/v1alpha1/ingress"
	"knative.dev/networking/pkg/status"
	endpointsinformer "knative.dev/pkg/client/injection/kube/informers/core/v1/endpoints"
	serviceinformer "knative.dev/pkg/client/injection/kube/informers/core/v1/service"
	"knative.dev/pkg/configmap"
	"knative.dev/pkg/controller"
	"knative.dev/pkg/injection/clients/dynamicclient"
	"knative.dev/pkg/logging"
	"knative.dev/pkg/reconciler"

	"selfhosted.serverless/lab/net-istio/pkg/gateways"
	"selfhosted.serverless/lab/net-istio/pkg/https"
	"selfhosted.serverless/lab/net-istio/pkg/probe"
	"selfhosted.serverless/lab/net-istio/pkg/virtualservice"
)

// Class is the value of the class annotation that this controller answers for.
const Class = "istio.ingress.networking.knative.dev"

// NewController builds the controller from what knative.dev/pkg injects into the context, and starts the prober.
func NewController(ctx context.Context, watcher configmap.Watcher) *controller.Impl {
	ingresses := ingressinformer.Get(ctx)
	endpoints := endpointsinformer.Get(ctx)
	ofClass := reconciler.AnnotationFilterFunc(networking.IngressClassAnnotationKey, Class, false)

	ours := &Reconciler{
		virtualServices: newOwned(ctx, virtualservice.Resource),
		gateways:        newOwned(ctx, https.Resource),
		certificates:    newCertificates(ctx),
	}
	var store *gateways.Store
	impl := ingressreconciler.NewImpl(ctx, ours, Class, func(impl *controller.Impl) controller.Options {
		resync := func(string, any) { impl.FilteredGlobalResync(ofClass, ingresses.Informer()) }
		store = gateways.NewStore(logging.FromContext(ctx), resync)
		store.WatchConfigs(watcher)
		return controller.Options{ConfigStore: store, PromoteFilterFunc: ofClass}
	})

	targets := &probe.Targets{Services: serviceinformer.Get(ctx).Lister(), Endpoints: endpoints.Lister()}
	prober := status.NewProber(logging.FromContext(ctx), targets, func(ing *v1alpha1.Ingress) {
		impl.EnqueueKey(types.NamespacedName{Namespace: ing.Namespace, Name: ing.Name})
	})
	ours.prober = prober
	prober.Start(ctx.Done())

	handle(ctx, ingresses.Informer(), cache.FilteringResourceEventHandler{
		FilterFunc: ofClass,
		Handler:    controller.HandleAll(impl.Enqueue),
	})
	handle(ctx, ingresses.Informer(), cache.ResourceEventHandlerFuncs{DeleteFunc: prober.CancelIngressProbing})
	handle(ctx, endpoints.Informer(), onGatewayPodsChanged(store, func() {
		probeAnew(impl, prober, ingresses.Informer().GetStore().List(), ofClass)
	}))
	ours.virtualServices.start(ctx, impl)
	ours.gateways.start(ctx, impl)
	ours.certificates.start(ctx, impl)
	return impl
}

// probeAnew forgets the probes of every ingress that is not ready, and looks at it again with the pods of now.
func probeAnew(impl *controller.Impl, prober *status.Prober, ingresses []any, ofClass func(any) bool) {
	for _, object := range ingresses {
		ing, ok := object.(*v1alpha1.Ingress)
		if !ok || !ofClass(ing) || ing.IsReady() {
			continue
		}
		prober.CancelIngressProbing(ing)
		impl.Enqueue(ing)
	}
}

func newOwned(ctx context.Context, resource schema.GroupVersionResource) *owned {
	client := dynamicclient.Get(ctx)
	informer := dynamicinformer.NewFilteredDynamicInformer(client, resource, "",
		controller.GetResyncPeriod(ctx), cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc}, selectOwned).Informer()
	return &owned{
		resource: resource, client: client, informer: informer, lister: dynamiclister.New(informer.GetIndexer(), resource),
	}
}

// start begins the watch; an ingress one of whose objects somebody changed or deleted is looked at again.
func (o *owned) start(ctx context.Context, impl *controller.Impl) {
	handle(ctx, o.informer, cache.FilteringResourceEventHandler{
		FilterFunc: controller.FilterController(&v1alpha1.Ingress{}),
		Handler:    controller.HandleAll(impl.EnqueueControllerOf),
	})
	go o.informer.Run(ctx.Done())
}

func handle(ctx context.Context, informer cache.SharedIndexInformer, handler cache.ResourceEventHandler) {
	if _, err := informer.AddEventHandler(handler); err != nil {
		logging.FromContext(ctx).Fatalw("Cannot watch", "error", err)
	}
}
