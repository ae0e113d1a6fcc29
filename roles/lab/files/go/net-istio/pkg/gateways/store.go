package gateways

import (
	"context"

	"knative.dev/pkg/configmap"
)

type configKey struct{}

// Store keeps the latest valid config-istio.
type Store struct {
	*configmap.UntypedStore
}

// NewStore returns a store that calls each function in onChange after a change.
func NewStore(logger configmap.Logger, onChange ...func(name string, value any)) *Store {
	constructors := configmap.Constructors{ConfigName: FromConfigMap}
	return &Store{configmap.NewUntypedStore("net-istio", logger, constructors, onChange...)}
}

// ToContext puts the configuration of this moment into a context.
func (s *Store) ToContext(ctx context.Context) context.Context {
	return NewContext(ctx, s.Load())
}

// Load returns the configuration of this moment.
func (s *Store) Load() *Config {
	config, _ := s.UntypedLoad(ConfigName).(*Config)
	return config
}

// NewContext returns a context that carries a configuration.
func NewContext(ctx context.Context, config *Config) context.Context {
	return context.WithValue(ctx, configKey{}, config)
}

// FromContext returns the configuration that the context carries.
func FromContext(ctx context.Context) *Config {
	config, _ := ctx.Value(configKey{}).(*Config)
	return config
}
