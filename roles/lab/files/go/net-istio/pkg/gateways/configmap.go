package gateways

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"knative.dev/pkg/network"
	"knative.dev/pkg/system"
	"sigs.k8s.io/yaml"
)

// ConfigName is the name of the ConfigMap.
const ConfigName = "config-istio"

// The keys of the ConfigMap, as its own example describes them.
const (
	externalKey       = "external-gateways"
	localKey          = "local-gateways"
	oldExternalPrefix = "gateway."
	oldLocalPrefix    = "local-gateway."
)

// FromConfigMap reads config-istio; what it leaves out gets the gateways that the released manifests bring.
//
// It fails when a gateway is incomplete, when more than one gateway of a kind has no selector,
// or when the new keys and the old ones are mixed.
func FromConfigMap(configMap *corev1.ConfigMap) (*Config, error) {
	external, err := parseList(configMap.Data, externalKey)
	if err != nil {
		return nil, err
	}
	local, err := parseList(configMap.Data, localKey)
	if err != nil {
		return nil, err
	}
	oldExternal, err := parseOld(configMap.Data, oldExternalPrefix)
	if err != nil {
		return nil, err
	}
	oldLocal, err := parseOld(configMap.Data, oldLocalPrefix)
	if err != nil {
		return nil, err
	}
	isNew, isOld := len(external)+len(local) > 0, len(oldExternal)+len(oldLocal) > 0
	if isNew && isOld {
		return nil, fmt.Errorf("%s: use either %s and %s, or the older keys that begin with %q and %q, not both",
			ConfigName, externalKey, localKey, oldExternalPrefix, oldLocalPrefix)
	}
	config := &Config{External: append(external, oldExternal...), Local: append(local, oldLocal...)}
	if len(config.External) == 0 {
		config.External = []Gateway{defaultGateway("knative-ingress-gateway", "istio-ingressgateway")}
	}
	if len(config.Local) == 0 {
		config.Local = []Gateway{defaultGateway("knative-local-gateway", "knative-local-gateway")}
	}
	return config, nil
}

func defaultGateway(name, service string) Gateway {
	return Gateway{
		Name:      name,
		Namespace: system.Namespace(),
		Service:   network.GetServiceHostname(service, "istio-system"),
	}
}

// parseList reads one of the new keys: a YAML list of gateways.
func parseList(data map[string]string, key string) ([]Gateway, error) {
	var gateways []Gateway
	if err := yaml.UnmarshalStrict([]byte(data[key]), &gateways); err != nil {
		return nil, fmt.Errorf("%s, key %s: %w", ConfigName, key, err)
	}
	general := 0
	for i := range gateways {
		gateways[i].Service = strings.TrimSuffix(gateways[i].Service, ".")
		if err := gateways[i].check(); err != nil {
			return nil, fmt.Errorf("%s, key %s: %w", ConfigName, key, err)
		}
		if gateways[i].LabelSelector == nil {
			general++
		}
	}
	if general > 1 {
		return nil, fmt.Errorf("%s, key %s: only one gateway may be without a labelSelector", ConfigName, key)
	}
	return gateways, nil
}

// parseOld reads the older keys, "<prefix><namespace>.<name>: <service>", in the order of their names.
func parseOld(data map[string]string, prefix string) ([]Gateway, error) {
	var gateways []Gateway
	for key, service := range data {
		qualified, found := strings.CutPrefix(key, prefix)
		if !found {
			continue
		}
		namespace, name, found := strings.Cut(qualified, ".")
		if !found {
			// The oldest form has no namespace.
			namespace, name = system.Namespace(), qualified
		}
		gateway := Gateway{Name: name, Namespace: namespace, Service: strings.TrimSuffix(service, ".")}
		if err := gateway.check(); err != nil {
			return nil, fmt.Errorf("%s, key %s: %w", ConfigName, key, err)
		}
		gateways = append(gateways, gateway)
	}
	slices.SortFunc(gateways, func(a, b Gateway) int { return strings.Compare(a.QualifiedName(), b.QualifiedName()) })
	return gateways, nil
}
