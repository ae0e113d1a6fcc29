// Package virtualservice writes the Istio VirtualServices of a Knative ingress.
package virtualservice

import "k8s.io/apimachinery/pkg/runtime/schema"

// Resource is the version of the API that the released manifests use for their Gateways, too.
var Resource = schema.GroupVersionResource{Group: "networking.istio.io", Version: "v1beta1", Resource: "virtualservices"}

// The types below are the part of Istio's VirtualService that an ingress needs, named as Istio's reference names them
// (https://istio.io/latest/docs/reference/config/networking/virtual-service/). Istio's own Go types would pull in
// many more modules.

// Spec is the spec of a VirtualService.
type Spec struct {
	Hosts    []string    `json:"hosts"`
	Gateways []string    `json:"gateways"`
	HTTP     []HTTPRoute `json:"http"`
}

// HTTPRoute sends requests that any of the matches fits to its destinations, or redirects them.
type HTTPRoute struct {
	Match    []Match       `json:"match"`
	Route    []Destination `json:"route,omitempty"`
	Redirect *Redirect     `json:"redirect,omitempty"`
	Rewrite  *Rewrite      `json:"rewrite,omitempty"`
	Headers  *Headers      `json:"headers,omitempty"`
	// Retries is present and empty to switch off the retries that Istio adds by itself.
	Retries *struct{} `json:"retries,omitempty"`
}

// Match fits a request when all its parts do.
type Match struct {
	Authority StringMatch            `json:"authority"`
	Gateways  []string               `json:"gateways"`
	Headers   map[string]StringMatch `json:"headers,omitempty"`
	URI       *StringMatch           `json:"uri,omitempty"`
}

// StringMatch compares a string, either by its beginning or as a whole.
type StringMatch struct {
	Prefix string `json:"prefix,omitempty"`
	Exact  string `json:"exact,omitempty"`
}

// Destination is a share of the traffic and the Service that gets it.
type Destination struct {
	Destination Backend  `json:"destination"`
	Weight      int64    `json:"weight"`
	Headers     *Headers `json:"headers,omitempty"`
}

// Backend is a port of a Service, by its full name in the cluster's DNS.
type Backend struct {
	Host string `json:"host"`
	Port Port   `json:"port"`
}

// Port is a port of a Service by number.
type Port struct {
	Number int64 `json:"number"`
}

// Redirect answers with a redirection.
type Redirect struct {
	Scheme string `json:"scheme"`
}

// Rewrite changes a request's host before it is forwarded.
type Rewrite struct {
	Authority string `json:"authority"`
}

// Headers changes the headers of requests.
type Headers struct {
	Request HeaderOperations `json:"request"`
}

// HeaderOperations names the headers that are set, whatever the client sent.
type HeaderOperations struct {
	Set map[string]string `json:"set"`
}
