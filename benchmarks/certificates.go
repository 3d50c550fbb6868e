// The same columns by Go's crypto/x509: reads a PEM file, holds the columns, prints the CPU seconds it took.
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
	for at := len(name.Names) - 1; at >= 0; at-- {
		oid := name.Names[at].Type
		kind, known := "", false
		if len(oid) == 4 && oid[0] == 2 && oid[1] == 5 && oid[2] == 4 {
			switch oid[3] {
			case 3:
				kind, known = "CN", true
			case 6:
				kind, known = "C", true
			case 10:
				kind, known = "O", true
			case 11:
				kind, known = "OU", true
			}
		}
		if !known {
			kind = oid.String()
			if short, found := kinds[kind]; found {
				kind = short
			}
		}
		value, _ := name.Names[at].Value.(string)
		parts = append(parts, kind+"="+escapes.Replace(value))
	}
	return strings.Join(parts, ",")
}

func (c *columns) add(der []byte) error {
	found, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	digest := sha256.Sum256(der)
	c.fingerprint = append(c.fingerprint, hex.EncodeToString(digest[:]))
	c.subject = append(c.subject, text(found.Subject))
	c.commonName = append(c.commonName, found.Subject.CommonName)
	c.issuer = append(c.issuer, text(found.Issuer))
	c.serial = append(c.serial, found.SerialNumber.Text(16))
	c.version = append(c.version, found.Version)
	c.notBefore = append(c.notBefore, found.NotBefore.Unix())
	c.notAfter = append(c.notAfter, found.NotAfter.Unix())
	c.dns = append(c.dns, found.DNSNames)
	var addresses []string
	for _, each := range found.IPAddresses {
		addresses = append(addresses, each.String())
	}
	c.addresses = append(c.addresses, addresses)
	c.isCA = append(c.isCA, found.IsCA)
	c.hasConstraints = append(c.hasConstraints, found.BasicConstraintsValid)
	c.pathLength = append(c.pathLength, found.MaxPathLen)
	var words []string
	for bit, word := range usages {
		if found.KeyUsage&(1<<uint(bit)) != 0 {
			words = append(words, word)
		}
	}
	c.keyUsage = append(c.keyUsage, strings.Join(words, ","))
	words = nil
	for _, each := range found.ExtKeyUsage {
		words = append(words, purposes[each])
	}
	c.extendedKeyUsage = append(c.extendedKeyUsage, strings.Join(words, ","))
	kind, size := "", 0
	switch key := found.PublicKey.(type) {
	case *rsa.PublicKey:
		kind, size = "RSA", key.N.BitLen()
	case *ecdsa.PublicKey:
		kind, size = "EC", key.Params().BitSize
	}
	c.keyType = append(c.keyType, kind)
	c.keySize = append(c.keySize, size)
	c.hash = append(c.hash, hashes[found.SignatureAlgorithm])
	c.ski = append(c.ski, hex.EncodeToString(found.SubjectKeyId))
	c.aki = append(c.aki, hex.EncodeToString(found.AuthorityKeyId))
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
		for at := range c.subject {
			fmt.Println(strings.Join([]string{c.fingerprint[at], c.subject[at], c.commonName[at], c.issuer[at], c.serial[at],
				strconv.Itoa(c.version[at]), strconv.FormatInt(c.notBefore[at], 10), strconv.FormatInt(c.notAfter[at], 10),
				strings.Join(c.dns[at], " "), strings.Join(c.addresses[at], " "), strconv.FormatBool(c.isCA[at]),
				strconv.FormatBool(c.hasConstraints[at]), strconv.Itoa(c.pathLength[at]), c.keyUsage[at],
				c.extendedKeyUsage[at], c.keyType[at], strconv.Itoa(c.keySize[at]), c.hash[at], c.ski[at], c.aki[at]}, "\t"))
		}
	}
}
