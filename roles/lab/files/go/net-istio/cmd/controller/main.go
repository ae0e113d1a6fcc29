// Command controller turns Knative's ingresses into Istio's VirtualServices; it stands in for net-istio's controller.
//
// It runs with the arguments, variables, ports and rights of the released net-istio manifests.
package main

import (
	filtered "knative.dev/pkg/client/injection/kube/informers/factory/filtered"
	"knative.dev/pkg/injection"
	"knative.dev/pkg/injection/sharedmain"
	"knative.dev/pkg/signals"

	"selfhosted.serverless/lab/net-istio/pkg/ingress"
)

// The client's own limits, in requests per second. The default of 5 would hold up an application of several services;
// the API server has a fair queue for those that ask much.
const (
	requestsPerSecond = 50
	requestBurst      = 100
)

func main() {
	config := injection.ParseAndGetRESTConfigOrDie()
	config.QPS, config.Burst = requestsPerSecond, requestBurst
	ctx := filtered.WithSelectors(signals.NewContext(), ingress.SecretSelectors()...)
	sharedmain.MainWithConfig(ctx, "net-istio-controller", config, ingress.NewController)
}
