// Command controller runs those of cert-manager's control loops that Eventing's certificates need: of issuers that sign for
// themselves or with an authority in a Secret.
//
// cert-manager's own commands are modules that no proxy has; their parts are in its main module. Arguments, port and rights
// are those of the released manifests.
package main

import (
	"context"
	"flag"
	"net"
	"os/signal"
	"syscall"
	"time"

	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"github.com/cert-manager/cert-manager/pkg/controller"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/approver"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/ca"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/selfsigned"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/issuing"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/keymanager"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/readiness"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/requestmanager"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/revisionmanager"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/trigger"
	_ "github.com/cert-manager/cert-manager/pkg/controller/clusterissuers"
	_ "github.com/cert-manager/cert-manager/pkg/controller/issuers"
	"github.com/cert-manager/cert-manager/pkg/healthz"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/ca"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/selfsigned"
	"github.com/cert-manager/cert-manager/pkg/metrics"
)

const (
	healthzAddress    = ":9403"
	leaderTimeout     = 20 * time.Second
	requestsPerSecond = 50
	requestBurst      = 100
	workers           = 5
)

func main() {
	klog.InitFlags(nil)
	namespace := flag.String("cluster-resource-namespace", "kube-system", "the namespace of the Secrets of ClusterIssuers")
	// There is one replica, and nothing of ACME
	flag.String("leader-election-namespace", "", "has no effect")
	flag.String("acme-http01-solver-image", "", "has no effect")
	flag.Int("max-concurrent-challenges", 0, "has no effect")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	go serveHealth(ctx)
	if err := run(ctx, *namespace); err != nil {
		klog.Fatal(err)
	}
}

func run(ctx context.Context, namespace string) error {
	factory, err := controller.NewContextFactory(ctx, controller.ContextOptions{
		KubernetesAPIQPS:   requestsPerSecond,
		KubernetesAPIBurst: requestBurst,
		Clock:              clock.RealClock{},
		Metrics:            metrics.New(klog.Background(), clock.RealClock{}),
		IssuerOptions:      controller.IssuerOptions{ClusterResourceNamespace: namespace},
		CertificateOptions: controller.CertificateOptions{CopiedAnnotationPrefixes: []string{"*", "-kubectl.kubernetes.io/"}},
	})
	if err != nil {
		return err
	}
	loops := map[string]controller.Interface{}
	for name, construct := range controller.Known() {
		if loops[name], err = construct(factory); err != nil {
			return err
		}
	}
	// The informers that the loops have asked for; every context has the same
	shared, err := factory.Build()
	if err != nil {
		return err
	}
	shared.SharedInformerFactory.Start(ctx.Done())
	shared.KubeSharedInformerFactory.Start(ctx.Done())
	ended := make(chan error, len(loops))
	for name, loop := range loops {
		klog.Infof("starting %s", name)
		go func() { ended <- loop.Run(workers, ctx) }()
	}
	for range loops {
		if err := <-ended; err != nil {
			return err
		}
	}
	return nil
}

func serveHealth(ctx context.Context) {
	listener, err := net.Listen("tcp", healthzAddress)
	if err == nil {
		err = healthz.NewServer(leaderTimeout).Start(ctx, listener)
	}
	if err != nil {
		klog.Fatal(err)
	}
}
