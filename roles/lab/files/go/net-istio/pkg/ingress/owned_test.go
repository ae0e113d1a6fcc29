package ingress

import (
	"context"
	"slices"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/dynamiclister"
	"k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/tools/cache"
	"knative.dev/networking/pkg/apis/networking"
	"knative.dev/networking/pkg/apis/networking/v1alpha1"
	"knative.dev/pkg/kmeta"

	"selfhosted.serverless/lab/net-istio/pkg/virtualservice"
)

func todo() *v1alpha1.Ingress {
	return &v1alpha1.Ingress{ObjectMeta: metav1.ObjectMeta{Name: "todo", Namespace: "ns", UID: "1"}}
}

func ownedBy(by *v1alpha1.Ingress, name, host string) *unstructured.Unstructured {
	object := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"hosts": []any{host}}}}
	object.SetGroupVersionKind(virtualservice.Resource.GroupVersion().WithKind("VirtualService"))
	object.SetNamespace("ns")
	object.SetName(name)
	object.SetLabels(map[string]string{networking.IngressLabelKey: "todo"})
	if by != nil {
		object.SetOwnerReferences([]metav1.OwnerReference{*kmeta.NewControllerRef(by)})
	}
	return object
}

// clusterWith returns a cluster that holds the objects, and a cache that knows them.
func clusterWith(t *testing.T, objects ...*unstructured.Unstructured) (*owned, *fake.FakeDynamicClient) {
	t.Helper()
	kinds := map[schema.GroupVersionResource]string{virtualservice.Resource: "VirtualServiceList"}
	client := fake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), kinds)
	index := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
	for _, object := range objects {
		if err := client.Tracker().Create(virtualservice.Resource, object, "ns"); err != nil {
			t.Fatal(err)
		}
		if err := index.Add(object); err != nil {
			t.Fatal(err)
		}
	}
	return &owned{resource: virtualservice.Resource, client: client, lister: dynamiclister.New(index, virtualservice.Resource)}, client
}

// writes returns the verbs and names of the requests that changed something.
func writes(client *fake.FakeDynamicClient) []string {
	var found []string
	for _, action := range client.Actions() {
		if verb := action.GetVerb(); verb == "create" || verb == "update" || verb == "delete" {
			found = append(found, verb)
		}
	}
	return found
}

func TestStore(t *testing.T) {
	for name, test := range map[string]struct {
		existing []*unstructured.Unstructured
		want     []string
	}{
		"new":       {nil, []string{"create"}},
		"the same":  {[]*unstructured.Unstructured{ownedBy(todo(), "todo-mesh", "todo.ns")}, nil},
		"different": {[]*unstructured.Unstructured{ownedBy(todo(), "todo-mesh", "other.ns")}, []string{"update"}},
	} {
		t.Run(name, func(t *testing.T) {
			services, client := clusterWith(t, test.existing...)
			if err := services.store(context.Background(), todo(), ownedBy(todo(), "todo-mesh", "todo.ns")); err != nil {
				t.Fatal(err)
			}
			if got := writes(client); !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestStoreLeavesAStrangersObjectAlone(t *testing.T) {
	services, client := clusterWith(t, ownedBy(nil, "todo-mesh", "other.ns"))
	ing := todo()
	if err := services.store(context.Background(), ing, ownedBy(ing, "todo-mesh", "todo.ns")); err == nil {
		t.Error("no error")
	}
	if got := writes(client); len(got) > 0 {
		t.Errorf("changed: %v", got)
	}
	condition := ing.Status.GetCondition(v1alpha1.IngressConditionNetworkConfigured)
	if !condition.IsFalse() || condition.Reason != "NotOwned" {
		t.Errorf("condition is %v", condition)
	}
}

func TestRemoveOthers(t *testing.T) {
	kept, old, strange := ownedBy(todo(), "todo-ingress", "a"), ownedBy(todo(), "todo-mesh", "a"), ownedBy(nil, "strange", "a")
	services, client := clusterWith(t, kept, old, strange)
	if err := services.removeOthers(context.Background(), todo(), []*unstructured.Unstructured{kept}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"todo-ingress": true, "todo-mesh": false, "strange": true} {
		_, err := client.Resource(virtualservice.Resource).Namespace("ns").Get(context.Background(), name, metav1.GetOptions{})
		if got := !apierrors.IsNotFound(err); got != want {
			t.Errorf("%s: there is %v, want %v", name, got, want)
		}
	}
}
