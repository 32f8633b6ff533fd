// Verifies a licence token with Go's standard library alone.
//
// usage: go run verify.go KEYS.json FILE.lic ISSUER TOOL NODE – prints the token's id, or fails
package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

type claims struct {
	Iss   string   `json:"iss"`
	Aud   []string `json:"aud"`
	Jti   string   `json:"jti"`
	Nodes []string `json:"nodes"`
	Nbf   int64    `json:"nbf"`
	Exp   int64    `json:"exp"`
}

var strict = base64.RawURLEncoding.Strict()

// part decodes one part; Go's decoder skips line breaks, so the spelling is compared as well.
func part(text string) ([]byte, error) {
	found, err := strict.DecodeString(text)
	if err == nil && strict.EncodeToString(found) != text {
		err = errors.New("not strict base64url")
	}
	return found, err
}

func verify(token string, keys map[string]string, issuer, tool, node string, now int64) (*claims, error) {
	p := strings.Split(token, ".")
	if len(p) != 3 {
		return nil, errors.New("not three parts")
	}
	var raw [3][]byte
	for i := range p {
		var err error
		if raw[i], err = part(p[i]); err != nil {
			return nil, err
		}
	}
	var header map[string]any
	if err := json.Unmarshal(raw[0], &header); err != nil {
		return nil, err
	}
	if header["alg"] != "EdDSA" && header["alg"] != "Ed25519" || header["typ"] != "licence+jwt" {
		return nil, errors.New("not a licence token")
	}
	if _, there := header["crit"]; there {
		return nil, errors.New("a header we must understand")
	}
	kid, _ := header["kid"].(string)
	key, err := part(keys[kid])
	if err != nil || len(key) != ed25519.PublicKeySize { // a wrong length panics
		return nil, errors.New("an unknown key")
	}
	if !ed25519.Verify(key, []byte(p[0]+"."+p[1]), raw[2]) {
		return nil, errors.New("the signature does not fit")
	}
	var found claims
	if err := json.Unmarshal(raw[1], &found); err != nil {
		return nil, err
	}
	if found.Iss != issuer || !slices.Contains(found.Aud, tool) || !slices.Contains(found.Nodes, node) {
		return nil, errors.New("not for this tool and node")
	}
	if found.Nbf-300 > now || now >= found.Exp {
		return nil, errors.New("not in force")
	}
	return &found, nil
}

func main() {
	if len(os.Args) != 6 {
		fmt.Fprintln(os.Stderr, "usage: verify KEYS.json FILE.lic ISSUER TOOL NODE")
		os.Exit(2)
	}
	var set struct {
		Keys []struct{ Kid, X string }
	}
	text, err := os.ReadFile(os.Args[1])
	if err == nil {
		err = json.Unmarshal(text, &set)
	}
	keys := map[string]string{}
	for _, one := range set.Keys {
		keys[one.Kid] = one.X
	}
	var token []byte
	if err == nil {
		token, err = os.ReadFile(os.Args[2])
	}
	now := time.Now().Unix()
	if given, wrong := strconv.ParseInt(os.Getenv("NOW"), 10, 64); wrong == nil {
		now = given
	}
	if err == nil {
		var found *claims
		if found, err = verify(strings.TrimSpace(string(token)), keys, os.Args[3], os.Args[4], os.Args[5], now); err == nil {
			fmt.Println(found.Jti)
			return
		}
	}
	fmt.Fprintln(os.Stderr, "refused:", err)
	os.Exit(1)
}
