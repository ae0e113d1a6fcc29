package ingress

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamiclister"
	"k8s.io/client-go/tools/cache"
	"knative.dev/networking/pkg/apis/networking"
	"knative.dev/networking/pkg/apis/networking/v1alpha1"
	"knative.dev/pkg/kmeta"

	"selfhosted.serverless/lab/net-istio/pkg/virtualservice"
)

// virtualServices brings the cluster's VirtualServices in line with the wanted ones. It reads from a watch's cache.
type virtualServices struct {
	client   dynamic.Interface
	informer cache.SharedIndexInformer
	lister   dynamiclister.Lister
}

// synced tells whether the cache has the cluster's content by now.
func (v *virtualServices) synced() bool {
	return v.informer.HasSynced()
}

// store creates the object, or updates it if it differs. An object of that name that the ingress does not own is left
// alone: the status says so, and an error is returned.
func (v *virtualServices) store(ctx context.Context, ing *v1alpha1.Ingress, desired *unstructured.Unstructured) error {
	client := v.client.Resource(virtualservice.Resource).Namespace(desired.GetNamespace())
	existing, err := v.existing(ctx, desired)
	if apierrors.IsNotFound(err) {
		_, err = client.Create(ctx, desired, metav1.CreateOptions{})
		return wrap(err, "create", desired)
	}
	if err != nil {
		return wrap(err, "read", desired)
	}
	if !metav1.IsControlledBy(existing, ing) {
		ing.Status.MarkResourceNotOwned(desired.GetKind(), desired.GetName())
		return fmt.Errorf("VirtualService %s/%s exists and ingress %s does not own it",
			desired.GetNamespace(), desired.GetName(), ing.Name)
	}
	if equality.Semantic.DeepEqual(existing.Object["spec"], desired.Object["spec"]) &&
		equality.Semantic.DeepEqual(existing.GetLabels(), desired.GetLabels()) {
		return nil
	}
	updated := existing.DeepCopy()
	updated.Object["spec"] = desired.Object["spec"]
	updated.SetLabels(desired.GetLabels())
	_, err = client.Update(ctx, updated, metav1.UpdateOptions{})
	return wrap(err, "update", desired)
}

// existing reads an object, first from the cache. The cache has only what bears the label of an ingress, so a name
// that it does not know is asked of the API server: a stranger may have it.
func (v *virtualServices) existing(ctx context.Context, desired *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	cached, err := v.lister.Namespace(desired.GetNamespace()).Get(desired.GetName())
	if !apierrors.IsNotFound(err) {
		return cached, err
	}
	client := v.client.Resource(virtualservice.Resource).Namespace(desired.GetNamespace())
	return client.Get(ctx, desired.GetName(), metav1.GetOptions{})
}

// removeOthers deletes the VirtualServices that the ingress owns and no longer wants.
func (v *virtualServices) removeOthers(ctx context.Context, ing *v1alpha1.Ingress, desired []*unstructured.Unstructured) error {
	wanted := sets.New[string]()
	for _, object := range desired {
		wanted.Insert(object.GetName())
	}
	selector := labels.SelectorFromSet(labels.Set{networking.IngressLabelKey: ing.Name})
	existing, err := v.lister.Namespace(ing.Namespace).List(selector)
	if err != nil {
		return fmt.Errorf("cannot list the VirtualServices of ingress %s/%s: %w", ing.Namespace, ing.Name, err)
	}
	client := v.client.Resource(virtualservice.Resource).Namespace(ing.Namespace)
	for _, object := range existing {
		if wanted.Has(object.GetName()) || !metav1.IsControlledBy(object, ing) {
			continue
		}
		err := client.Delete(ctx, object.GetName(), metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return wrap(err, "delete", object)
		}
	}
	return nil
}

func wrap(err error, verb string, object kmeta.Accessor) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("cannot %s VirtualService %s/%s: %w", verb, object.GetNamespace(), object.GetName(), err)
}
