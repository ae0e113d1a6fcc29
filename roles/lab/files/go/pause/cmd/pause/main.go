// Command pause is the process of a pod's sandbox in the lab: it holds the pod's namespaces until it is told to stop.
//
// It does what Kubernetes' own pause image does: it waits for SIGINT or SIGTERM, and as the first process of a shared
// PID namespace it collects the children that other processes left behind.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGCHLD)
	for received := range signals {
		if received != syscall.SIGCHLD {
			return
		}
		collectChildren()
	}
}

// collectChildren waits for every child that has ended, without blocking.
func collectChildren() {
	for {
		child, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || child <= 0 {
			return
		}
	}
}
