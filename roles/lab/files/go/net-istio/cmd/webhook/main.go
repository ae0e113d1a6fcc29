// Command webhook answers the admission webhooks of the released net-istio manifests; it stands in for net-istio's webhook.
package main

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"knative.dev/pkg/configmap"
	"knative.dev/pkg/controller"
	"knative.dev/pkg/injection/sharedmain"
	"knative.dev/pkg/signals"
	"knative.dev/pkg/webhook"
	"knative.dev/pkg/webhook/certificates"
	"knative.dev/pkg/webhook/configmaps"
	"knative.dev/pkg/webhook/resourcesemantics"
	"knative.dev/pkg/webhook/resourcesemantics/defaulting"

	"selfhosted.serverless/lab/net-istio/pkg/gateways"
	"selfhosted.serverless/lab/net-istio/pkg/sidecar"
)

// The names below are those of the released manifests.
const (
	certificateSecret = "net-istio-webhook-certs"
	defaultingWebhook = "webhook.istio.networking.internal.knative.dev"
	configWebhook     = "config.webhook.istio.networking.internal.knative.dev"
	defaultPort       = 8443
)

func main() {
	ctx := webhook.WithOptions(signals.NewContext(), webhook.Options{
		ServiceName: webhook.NameFromEnv(),
		Port:        webhook.PortFromEnv(defaultPort),
		SecretName:  certificateSecret,
	})
	// The kubelet asks the webhook's own port for its health.
	ctx = sharedmain.WithHealthProbesDisabled(ctx)
	sharedmain.WebhookMainWithContext(ctx, "net-istio-webhook",
		certificates.NewController,
		newDefaultingController,
		newConfigController,
	)
}

// newDefaultingController labels the Deployments of revisions for the sidecar injector.
func newDefaultingController(ctx context.Context, _ configmap.Watcher) *controller.Impl {
	resources := map[schema.GroupVersionKind]resourcesemantics.GenericCRD{
		appsv1.SchemeGroupVersion.WithKind("Deployment"): &sidecar.Deployment{},
	}
	unchanged := func(ctx context.Context) context.Context { return ctx }
	return defaulting.NewAdmissionController(ctx, defaultingWebhook, "/defaulting", resources, unchanged, false)
}

// newConfigController refuses a config-istio that the controller could not use.
func newConfigController(ctx context.Context, _ configmap.Watcher) *controller.Impl {
	return configmaps.NewAdmissionController(ctx, configWebhook, "/config-validation", configmap.Constructors{
		gateways.ConfigName: gateways.FromConfigMap,
	})
}
