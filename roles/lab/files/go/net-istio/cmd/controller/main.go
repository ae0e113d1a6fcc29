// Command controller turns Knative's ingresses into Istio's VirtualServices; it stands in for net-istio's controller.
//
// It runs with the arguments, variables, ports and rights of the released net-istio manifests.
package main

import (
	"knative.dev/pkg/injection/sharedmain"

	"selfhosted.serverless/lab/net-istio/pkg/ingress"
)

func main() {
	sharedmain.Main("net-istio-controller", ingress.NewController)
}
