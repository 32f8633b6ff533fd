package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"strings"
)

const ahead = 300 // seconds by which our clock may be behind

type keySet struct {
	Keys []struct{ Kid, X string }
}

func (set keySet) x(kid string) string {
	for _, one := range set.Keys {
		if one.Kid == kid {
			return one.X
		}
	}
	return ""
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

// object reads a JSON object by its exact names: a struct would take them in any case.
func object(part []byte) (map[string]any, error) {
	var found map[string]any
	if err := json.Unmarshal(part, &found); err != nil {
		return nil, err
	}
	if found == nil {
		return nil, errors.New("not an object")
	}
	return found, nil
}

func lists(value any, wanted string) bool {
	all, ok := value.([]any)
	there := false
	for _, one := range all {
		text, isText := one.(string)
		ok = ok && isText
		there = there || text == wanted
	}
	return ok && there
}

func second(value any) (int64, bool) {
	found, ok := value.(float64)
	return int64(found), ok && found == math.Trunc(found) && math.Abs(found) < 1<<53
}

// verify returns the claims of a token that lets this node run this tool now.
func verify(token string, keys keySet, issuer, tool, node string, now int64) (map[string]any, error) {
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
	header, err := object(raw[0])
	if err != nil {
		return nil, err
	}
	if header["alg"] != "EdDSA" && header["alg"] != "Ed25519" || header["typ"] != "licence+jwt" {
		return nil, errors.New("not a licence token")
	}
	if _, there := header["crit"]; there {
		return nil, errors.New("a header we must understand")
	}
	kid, _ := header["kid"].(string)
	key, err := part(keys.x(kid))
	if err != nil || len(key) != ed25519.PublicKeySize { // a wrong length panics
		return nil, errors.New("an unknown key")
	}
	if !ed25519.Verify(key, []byte(p[0]+"."+p[1]), raw[2]) {
		return nil, errors.New("the signature does not fit")
	}
	found, err := object(raw[1])
	if err != nil {
		return nil, err
	}
	if found["iss"] != issuer || !lists(found["aud"], tool) || !lists(found["nodes"], node) {
		return nil, errors.New("not for this tool and node")
	}
	nbf, begins := second(found["nbf"])
	exp, ends := second(found["exp"])
	if _, named := found["jti"].(string); !named || !begins || !ends || nbf-ahead > now || now >= exp {
		return nil, errors.New("not in force")
	}
	return found, nil
}
