package ingress

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamiclister"
	"k8s.io/client-go/tools/cache"
	"knative.dev/networking/pkg/apis/networking"
	"knative.dev/networking/pkg/apis/networking/v1alpha1"
)

// owned brings the cluster's objects of one kind in line with those that an ingress wants. It reads from a watch's cache.
type owned struct {
	resource schema.GroupVersionResource
	client   dynamic.Interface
	informer cache.SharedIndexInformer
	lister   dynamiclister.Lister
}

// synced tells whether the cache has the cluster's content by now.
func (o *owned) synced() bool {
	return o.informer.HasSynced()
}

// bring stores the wanted objects and deletes the other ones of the ingress.
func (o *owned) bring(ctx context.Context, ing *v1alpha1.Ingress, desired []*unstructured.Unstructured) error {
	for _, object := range desired {
		if err := o.store(ctx, ing, object); err != nil {
			return err
		}
	}
	return o.removeOthers(ctx, ing, desired)
}

// store creates the object, or updates it if it differs. An object of that name that the ingress does not own is left
// alone: the status says so, and an error is returned.
func (o *owned) store(ctx context.Context, ing *v1alpha1.Ingress, desired *unstructured.Unstructured) error {
	client := o.client.Resource(o.resource).Namespace(desired.GetNamespace())
	existing, err := o.existing(ctx, desired)
	if apierrors.IsNotFound(err) {
		_, err = client.Create(ctx, desired, metav1.CreateOptions{})
		return wrap(err, "create", desired)
	}
	if err != nil {
		return wrap(err, "read", desired)
	}
	if !metav1.IsControlledBy(existing, ing) {
		ing.Status.MarkResourceNotOwned(desired.GetKind(), desired.GetName())
		return fmt.Errorf("%s %s/%s exists and ingress %s does not own it",
			desired.GetKind(), desired.GetNamespace(), desired.GetName(), ing.Name)
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
func (o *owned) existing(ctx context.Context, desired *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	cached, err := o.lister.Namespace(desired.GetNamespace()).Get(desired.GetName())
	if !apierrors.IsNotFound(err) {
		return cached, err
	}
	client := o.client.Resource(o.resource).Namespace(desired.GetNamespace())
	return client.Get(ctx, desired.GetName(), metav1.GetOptions{})
}

// removeOthers deletes the objects that the ingress owns and no longer wants.
func (o *owned) removeOthers(ctx context.Context, ing *v1alpha1.Ingress, desired []*unstructured.Unstructured) error {
	wanted := sets.New[string]()
	for _, object := range desired {
		wanted.Insert(object.GetName())
	}
	selector := labels.SelectorFromSet(labels.Set{networking.IngressLabelKey: ing.Name})
	existing, err := o.lister.Namespace(ing.Namespace).List(selector)
	if err != nil {
		return fmt.Errorf("cannot list the %s of ingress %s/%s: %w", o.resource.Resource, ing.Namespace, ing.Name, err)
	}
	client := o.client.Resource(o.resource).Namespace(ing.Namespace)
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

func wrap(err error, verb string, object *unstructured.Unstructured) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("cannot %s %s %s/%s: %w", verb, object.GetKind(), object.GetNamespace(), object.GetName(), err)
}
