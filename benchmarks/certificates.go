// Read the same columns with Go's crypto/x509: parse a PEM file, keep the columns, print the CPU seconds it took.
// With a second argument the rows are printed too, so that they can be compared.
package main

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

type columns struct {
	fingerprint, subject, commonName, issuer, serial, keyUsage, extendedKeyUsage, keyType, hash, ski, aki []string
	version, keySize, pathLength                                                                     []int
	notBefore, notAfter                                                                              []int64
	isCA, hasConstraints                                                                             []bool
	dns, addresses                                                                                   [][]string
}

var usages = []string{"digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement",
	"keyCertSign", "cRLSign", "encipherOnly", "decipherOnly"}

var purposes = map[x509.ExtKeyUsage]string{x509.ExtKeyUsageServerAuth: "serverAuth",
	x509.ExtKeyUsageClientAuth: "clientAuth"}

var hashes = map[x509.SignatureAlgorithm]string{x509.SHA256WithRSA: "sha256", x509.ECDSAWithSHA256: "sha256"}

var kinds = map[string]string{"2.5.4.3": "CN", "2.5.4.6": "C", "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.9": "STREET"}

var escapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "+", `\+`, ",", `\,`, ";", `\;`, "<", `\<`, ">", `\>`)

func text(name pkix.Name) string {
	parts := make([]string, 0, len(name.Names))
	for index := len(name.Names) - 1; index >= 0; index-- {
		oid := name.Names[index].Type
		kind, isKnown := "", false
		if len(oid) == 4 && oid[0] == 2 && oid[1] == 5 && oid[2] == 4 {
			switch oid[3] {
			case 3:
				kind, isKnown = "CN", true
			case 6:
				kind, isKnown = "C", true
			case 10:
				kind, isKnown = "O", true
			case 11:
				kind, isKnown = "OU", true
			}
		}
		if !isKnown {
			kind = oid.String()
			if short, ok := kinds[kind]; ok {
				kind = short
			}
		}
		value, _ := name.Names[index].Value.(string)
		parts = append(parts, kind+"="+escapes.Replace(value))
	}
	return strings.Join(parts, ",")
}

func (c *columns) add(der []byte) error {
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	digest := sha256.Sum256(der)
	c.fingerprint = append(c.fingerprint, hex.EncodeToString(digest[:]))
	c.subject = append(c.subject, text(certificate.Subject))
	c.commonName = append(c.commonName, certificate.Subject.CommonName)
	c.issuer = append(c.issuer, text(certificate.Issuer))
	c.serial = append(c.serial, certificate.SerialNumber.Text(16))
	c.version = append(c.version, certificate.Version)
	c.notBefore = append(c.notBefore, certificate.NotBefore.Unix())
	c.notAfter = append(c.notAfter, certificate.NotAfter.Unix())
	c.dns = append(c.dns, certificate.DNSNames)
	var addresses []string
	for _, address := range certificate.IPAddresses {
		addresses = append(addresses, address.String())
	}
	c.addresses = append(c.addresses, addresses)
	c.isCA = append(c.isCA, certificate.IsCA)
	c.hasConstraints = append(c.hasConstraints, certificate.BasicConstraintsValid)
	c.pathLength = append(c.pathLength, certificate.MaxPathLen)
	var words []string
	for bit, word := range usages {
		if certificate.KeyUsage&(1<<uint(bit)) != 0 {
			words = append(words, word)
		}
	}
	c.keyUsage = append(c.keyUsage, strings.Join(words, ","))
	words = nil
	for _, purpose := range certificate.ExtKeyUsage {
		words = append(words, purposes[purpose])
	}
	c.extendedKeyUsage = append(c.extendedKeyUsage, strings.Join(words, ","))
	kind, size := "", 0
	switch key := certificate.PublicKey.(type) {
	case *rsa.PublicKey:
		kind, size = "RSA", key.N.BitLen()
	case *ecdsa.PublicKey:
		kind, size = "EC", key.Params().BitSize
	}
	c.keyType = append(c.keyType, kind)
	c.keySize = append(c.keySize, size)
	c.hash = append(c.hash, hashes[certificate.SignatureAlgorithm])
	c.ski = append(c.ski, hex.EncodeToString(certificate.SubjectKeyId))
	c.aki = append(c.aki, hex.EncodeToString(certificate.AuthorityKeyId))
	return nil
}

func seconds() float64 {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return float64(usage.Utime.Sec+usage.Stime.Sec) + float64(usage.Utime.Usec+usage.Stime.Usec)/1e6
}

func main() {
	start := seconds()
	data, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	c := &columns{}
	refused := 0
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if c.add(block.Bytes) != nil {
			refused++
		}
	}
	fmt.Printf("{\"seconds\": %f, \"rows\": %d, \"refused\": %d}\n", seconds()-start, len(c.subject), refused)
	if len(os.Args) > 2 {
		for index := range c.subject {
			fmt.Println(strings.Join([]string{c.fingerprint[index], c.subject[index], c.commonName[index], c.issuer[index], c.serial[index],
				strconv.Itoa(c.version[index]), strconv.FormatInt(c.notBefore[index], 10), strconv.FormatInt(c.notAfter[index], 10),
				strings.Join(c.dns[index], " "), strings.Join(c.addresses[index], " "), strconv.FormatBool(c.isCA[index]),
				strconv.FormatBool(c.hasConstraints[index]), strconv.Itoa(c.pathLength[index]), c.keyUsage[index],
				c.extendedKeyUsage[index], c.keyType[index], strconv.Itoa(c.keySize[index]), c.hash[index], c.ski[index], c.aki[index]}, "\t"))
		}
	}
}
