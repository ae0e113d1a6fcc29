// Package sidecar carries a revision's wish for a sidecar to where newer Istio versions look for it.
package sidecar

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"knative.dev/pkg/apis"
)

// Inject is the name of the annotation, and of the label, that switches sidecar injection for a pod.
const Inject = "sidecar.istio.io/inject"

// Deployment is a Deployment that the defaulting webhook can change.
type Deployment struct {
	appsv1.Deployment `json:",inline"`
}

// SetDefaults copies the pod template's injection annotation to the label of the same name.
//
// Users of Knative write the annotation, because Knative passes on the annotations of a revision's template;
// Istio's injector selects pods by the label.
func (d *Deployment) SetDefaults(context.Context) {
	template := &d.Spec.Template
	value, asked := template.Annotations[Inject]
	if !asked {
		return
	}
	if template.Labels == nil {
		template.Labels = map[string]string{}
	}
	template.Labels[Inject] = value
}

// Validate accepts every Deployment: the API server has checked it.
func (d *Deployment) Validate(context.Context) *apis.FieldError {
	return nil
}

// DeepCopyObject implements runtime.Object.
func (d *Deployment) DeepCopyObject() runtime.Object {
	if d == nil {
		return nil
	}
	return &Deployment{Deployment: *d.Deployment.DeepCopy()}
}
