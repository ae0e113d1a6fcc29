package ingress

import (
	"context"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"knative.dev/networking/pkg/apis/networking/v1alpha1"
	"knative.dev/pkg/tracker"

	"selfhosted.serverless/lab/net-istio/pkg/https"
)

var section = v1alpha1.IngressTLS{Hosts: []string{"todo.example.com"}, SecretName: "cert"}

func withTLS() *v1alpha1.Ingress {
	ing := todo()
	ing.Spec.Rules = []v1alpha1.IngressRule{{Hosts: section.Hosts, Visibility: v1alpha1.IngressVisibilityExternalIP}}
	ing.Spec.TLS = []v1alpha1.IngressTLS{section}
	return ing
}

func certificate(content string) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "cert"},
		Type:       corev1.SecretTypeTLS,
		Data:       map[string][]byte{corev1.TLSCertKey: []byte(content)},
	}
}

// secretsIn returns a cluster that holds the Secrets, and a cache that knows those that are copies.
func secretsIn(t *testing.T, secrets ...*corev1.Secret) (*fake.Clientset, *certificates) {
	t.Helper()
	client := fake.NewSimpleClientset()
	index := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
	for _, secret := range secrets {
		if err := client.Tracker().Add(secret); err != nil {
			t.Fatal(err)
		}
		if _, isCopy := secret.Labels[https.IngressLabel]; !isCopy {
			continue
		}
		if err := index.Add(secret); err != nil {
			t.Fatal(err)
		}
	}
	tracked := tracker.New(func(types.NamespacedName) {}, 0)
	return client, &certificates{client: client, copies: corelisters.NewSecretLister(index), tracker: tracked}
}

func TestCertificatesAreCopied(t *testing.T) {
	current := https.Copy(withTLS(), section, certificate("new"), "mesh")
	outdated := https.Copy(withTLS(), section, certificate("old"), "mesh")
	elsewhere := https.Copy(withTLS(), section, certificate("new"), "other")
	ofAnother := todo()
	ofAnother.UID = "2"
	strange := https.Copy(ofAnother, section, certificate("new"), "other")
	for name, test := range map[string]struct {
		copies []*corev1.Secret
		want   []string
	}{
		"none yet":            {nil, []string{"get", "create"}},
		"there":               {[]*corev1.Secret{current}, []string{"get"}},
		"the source is newer": {[]*corev1.Secret{outdated}, []string{"get", "update"}},
		"one too many":        {[]*corev1.Secret{current, elsewhere}, []string{"get", "delete"}},
		"another's":           {[]*corev1.Secret{current, strange}, []string{"get"}},
	} {
		t.Run(name, func(t *testing.T) {
			client, ours := secretsIn(t, append(test.copies, certificate("new"))...)
			if err := ours.bring(context.Background(), withTLS(), []string{"mesh"}); err != nil {
				t.Fatal(err)
			}
			var verbs []string
			for _, action := range client.Actions() {
				verbs = append(verbs, action.GetVerb())
			}
			if !slices.Equal(verbs, test.want) {
				t.Errorf("got %v, want %v", verbs, test.want)
			}
			made, err := client.CoreV1().Secrets("mesh").Get(context.Background(), current.Name, metav1.GetOptions{})
			if err != nil || string(made.Data[corev1.TLSCertKey]) != "new" {
				t.Errorf("the copy is %v (%v)", made, err)
			}
		})
	}
}

func TestAMissingCertificateIsNamed(t *testing.T) {
	_, ours := secretsIn(t)
	if err := ours.bring(context.Background(), withTLS(), []string{"mesh"}); err == nil {
		t.Error("no error")
	}
}

func TestCopiesGoWithTheirIngress(t *testing.T) {
	client, ours := secretsIn(t, certificate("new"), https.Copy(withTLS(), section, certificate("new"), "mesh"))
	if err := ours.removeOthers(context.Background(), withTLS(), nil); err != nil {
		t.Fatal(err)
	}
	left, err := client.CoreV1().Secrets("").List(context.Background(), metav1.ListOptions{})
	if err != nil || len(left.Items) != 1 || left.Items[0].Name != "cert" {
		t.Errorf("left is %v (%v)", left, err)
	}
}
