package ingress

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"knative.dev/networking/pkg/apis/networking"
	"knative.dev/networking/pkg/apis/networking/v1alpha1"
	kubeclient "knative.dev/pkg/client/injection/kube/client"
	secretinformer "knative.dev/pkg/client/injection/kube/informers/core/v1/secret/filtered"
	"knative.dev/pkg/controller"
	"knative.dev/pkg/tracker"

	"selfhosted.serverless/lab/net-istio/pkg/https"
)

// SecretSelectors lists the labels of the Secrets that are watched: certificates of Knative, and our copies.
func SecretSelectors() []string {
	return []string{networking.CertificateUIDLabelKey, https.IngressLabel}
}

// certificates keeps the copies of ingresses' certificates. Sources are read from the API server, since any Secret may
// be one; those that bear Knative's label are watched, so that a renewed one is copied again.
type certificates struct {
	client  kubernetes.Interface
	copies  corelisters.SecretLister
	tracker tracker.Interface
	watched cache.SharedIndexInformer
}

func newCertificates(ctx context.Context) *certificates {
	return &certificates{
		client:  kubeclient.Get(ctx),
		copies:  secretinformer.Get(ctx, https.IngressLabel).Lister(),
		watched: secretinformer.Get(ctx, networking.CertificateUIDLabelKey).Informer(),
	}
}

func (c *certificates) start(ctx context.Context, impl *controller.Impl) {
	c.tracker = impl.Tracker
	onChange := controller.EnsureTypeMeta(c.tracker.OnChanged, corev1.SchemeGroupVersion.WithKind("Secret"))
	handle(ctx, c.watched, controller.HandleAll(onChange))
}

// bring copies the certificates of an ingress into the namespaces, and deletes its other copies.
func (c *certificates) bring(ctx context.Context, ing *v1alpha1.Ingress, namespaces []string) error {
	wanted := sets.New[types.NamespacedName]()
	for _, namespace := range namespaces {
		for _, section := range https.Served(ing) {
			source, err := c.source(ctx, ing, section)
			if err != nil {
				return err
			}
			made := https.Copy(ing, section, source, namespace)
			if err := c.store(ctx, made); err != nil {
				return fmt.Errorf("cannot copy Secret %s/%s to %s/%s: %w",
					source.Namespace, source.Name, made.Namespace, made.Name, err)
			}
			wanted.Insert(types.NamespacedName{Namespace: made.Namespace, Name: made.Name})
		}
	}
	return c.removeOthers(ctx, ing, wanted)
}

func (c *certificates) source(ctx context.Context, ing *v1alpha1.Ingress, section v1alpha1.IngressTLS) (*corev1.Secret, error) {
	namespace, name := https.SourceOf(ing, section)
	reference := tracker.Reference{APIVersion: "v1", Kind: "Secret", Namespace: namespace, Name: name}
	if err := c.tracker.TrackReference(reference, ing); err != nil {
		return nil, fmt.Errorf("cannot watch Secret %s/%s: %w", namespace, name, err)
	}
	source, err := c.client.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("cannot get the certificate of hosts %v: %w", section.Hosts, err)
	}
	return source, nil
}

func (c *certificates) store(ctx context.Context, made *corev1.Secret) error {
	client := c.client.CoreV1().Secrets(made.Namespace)
	existing, err := c.copies.Secrets(made.Namespace).Get(made.Name)
	if apierrors.IsNotFound(err) {
		if _, err = client.Create(ctx, made, metav1.CreateOptions{}); !apierrors.IsAlreadyExists(err) {
			return err
		}
		// The cache is behind.
		existing, err = client.Get(ctx, made.Name, metav1.GetOptions{})
	}
	if err != nil || equality.Semantic.DeepEqual(existing.Data, made.Data) {
		return err
	}
	updated := existing.DeepCopy()
	updated.Data = made.Data
	_, err = client.Update(ctx, updated, metav1.UpdateOptions{})
	return err
}

// removeOthers deletes the copies of an ingress that are not wanted any more.
func (c *certificates) removeOthers(ctx context.Context, ing *v1alpha1.Ingress, wanted sets.Set[types.NamespacedName]) error {
	copies, err := c.copies.List(labels.SelectorFromSet(labels.Set{https.IngressLabel: string(ing.UID)}))
	if err != nil {
		return fmt.Errorf("cannot list the certificates of ingress %s/%s: %w", ing.Namespace, ing.Name, err)
	}
	for _, one := range copies {
		if wanted.Has(types.NamespacedName{Namespace: one.Namespace, Name: one.Name}) {
			continue
		}
		err := c.client.CoreV1().Secrets(one.Namespace).Delete(ctx, one.Name, metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("cannot delete Secret %s/%s: %w", one.Namespace, one.Name, err)
		}
	}
	return nil
}
