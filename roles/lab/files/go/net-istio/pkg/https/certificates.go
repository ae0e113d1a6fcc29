package https

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"knative.dev/networking/pkg/apis/networking/v1alpha1"
	"knative.dev/pkg/kmeta"
)

// IngressLabel bears, on a copy, the UID of its ingress: an owner reference cannot lead to another namespace.
const IngressLabel = "lab.serverless.selfhosted/ingress-uid"

// SourceOf returns the namespace and the name of the Secret behind a TLS section.
func SourceOf(ing *v1alpha1.Ingress, section v1alpha1.IngressTLS) (namespace, name string) {
	if section.SecretNamespace == "" {
		return ing.Namespace, section.SecretName
	}
	return section.SecretNamespace, section.SecretName
}

// CopyName returns the name of the copy of a section's Secret; each ingress has its own copies.
func CopyName(ing *v1alpha1.Ingress, section v1alpha1.IngressTLS) string {
	namespace, name := SourceOf(ing, section)
	return kmeta.ChildName(string(ing.UID), "-"+namespace+"-"+name)
}

// Copy returns the copy of a certificate for the pods of a gateway in a namespace.
func Copy(ing *v1alpha1.Ingress, section v1alpha1.IngressTLS, source *corev1.Secret, namespace string) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace,
			Name:      CopyName(ing, section),
			Labels:    map[string]string{IngressLabel: string(ing.UID)},
		},
		Type: source.Type,
		Data: source.Data,
	}
}
