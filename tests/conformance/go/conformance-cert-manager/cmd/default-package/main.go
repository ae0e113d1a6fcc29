// Command default-package writes the certificates of Debian's ca-certificates, which are in its image, as trust-manager reads
// them, into the folder of its last argument. It stands in for the image cert-manager-package-debian, which is in no module.
package main

import (
	"encoding/json"
	"log"
	"os"
	"path/filepath"

	"github.com/cert-manager/trust-manager/pkg/fspkg"
)

const (
	certificates = "/etc/ssl/certs/ca-certificates.crt"
	name         = "cert-manager-package-debian"
)

func main() {
	if err := write(os.Args[len(os.Args)-1]); err != nil {
		log.Fatal(err)
	}
}

func write(folder string) error {
	bundle, err := os.ReadFile(certificates)
	if err != nil {
		return err
	}
	content, err := json.Marshal(fspkg.Package{Name: name, Bundle: string(bundle), Version: "lab"})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, name+".json"), content, 0o644)
}
