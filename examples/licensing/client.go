// A small licence client and verifier with Go's standard library alone; built from verify.go and client.go.
//
// usage: licence verify KEYS.json FILE.lic ISSUER TOOL NODE – prints the token's id, or fails
//
//	licence run [--beats N] [--wait-at-most SECONDS]
//
// `run` claims a seat, keeps it by heartbeats, works while the server is away, gives it back. Each time something is known it
// prints a line of JSON: whether new work may begin (`may`), why (`code`), and until when this holds without another answer
// (`until`, seconds). It never ends the program beside it. Settings are variables of the environment; see README.md.
package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The issuer, the tool and the keys come with the tool: nothing that a user can set says whom to trust.
//
//go:embed pinned.json
var pinnedText []byte

var pinned struct {
	Issuer string
	Tool   string
	keySet
}

const longest, shortest = 300, 5 // seconds between two tries
const noNode = "No stable id of this machine is known, so it cannot hold a seat: set FLAGOS_NODE_ID, or FLAGOS_CLUSTER with" +
	" NODE_NAME (Kubernetes: spec.nodeName), or mount the host's /etc/machine-id and name it in FLAGOS_MACHINE_ID_FILE."

var (
	isFingerprint = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]{2,127}$`)
	isMachine     = regexp.MustCompile(`^[0-9a-f]{32}$`)
)

func leave(words string) {
	fmt.Fprintln(os.Stderr, words)
	os.Exit(1)
}

// contained says whether this is a container, whose own machine-id changes or is shared with others of its image.
func contained() bool {
	for _, sign := range []string{"/.dockerenv", "/run/.containerenv", "/run/secrets/kubernetes.io"} {
		if _, err := os.Stat(sign); err == nil {
			return true
		}
	}
	return os.Getenv("KUBERNETES_SERVICE_HOST") != ""
}

// fingerprint returns the first stable id of this machine that exists; an invented one would eat a seat at each start.
func fingerprint() string {
	found := os.Getenv("FLAGOS_NODE_ID")
	cluster, name := os.Getenv("FLAGOS_CLUSTER"), os.Getenv("NODE_NAME")
	if found == "" && cluster != "" && name != "" {
		found = "k8s:" + cluster + "." + name
	}
	if found == "" {
		file := os.Getenv("FLAGOS_MACHINE_ID_FILE")
		if file == "" && !contained() {
			file = "/etc/machine-id"
		}
		told, _ := os.ReadFile(file)
		if machine := strings.TrimSpace(string(told)); isMachine.MatchString(machine) {
			// machine-id(5): it is confidential and leaves the host only as a keyed hash.
			mac := hmac.New(sha256.New, []byte(machine))
			mac.Write([]byte(pinned.Tool))
			found = "sha256:" + hex.EncodeToString(mac.Sum(nil))
		}
	}
	if !isFingerprint.MatchString(found) {
		leave(noNode)
	}
	return found
}

type known struct {
	May   bool   `json:"may"`
	Code  string `json:"code"`
	Until int64  `json:"until"`
}

// licence is what is known of the right to run, kept in a folder so that a restart knows it too.
type licence struct {
	url, file, key, home, node, run string
	failures                        int
}

func open() *licence {
	l := &licence{url: strings.TrimRight(os.Getenv("FLAGOS_LICENCE_URL"), "/"), file: os.Getenv("FLAGOS_LICENCE_FILE"),
		key: os.Getenv("FLAGOS_LICENCE_KEY"), home: os.Getenv("FLAGOS_LICENCE_STATE"), node: fingerprint()}
	if place := os.Getenv("FLAGOS_LICENCE_KEY_FILE"); l.key == "" && place != "" {
		text, err := os.ReadFile(place)
		if err != nil {
			leave(err.Error())
		}
		l.key = strings.TrimSpace(string(text))
	}
	if l.file == "" && (l.url == "" || l.key == "") {
		leave("Set FLAGOS_LICENCE_FILE, or FLAGOS_LICENCE_URL and FLAGOS_LICENCE_KEY.")
	}
	if l.home == "" {
		l.home = "licence-state"
	}
	if err := os.MkdirAll(l.home, 0o700); err != nil {
		leave(err.Error())
	}
	once := make([]byte, 8)
	if _, err := rand.Read(once); err != nil {
		leave(err.Error())
	}
	l.run = hex.EncodeToString(once)
	return l
}

func (l *licence) kept(name string) string {
	text, _ := os.ReadFile(filepath.Join(l.home, name))
	return strings.TrimSpace(string(text))
}

// keep writes a text, whole or not at all.
func (l *licence) keep(name, text string) {
	place := filepath.Join(l.home, name)
	if os.WriteFile(place+".new", []byte(text), 0o600) == nil {
		_ = os.Rename(place+".new", place)
	}
}

// setBack says whether the clock was set back: it and every server's time seen only ever rise.
func (l *licence) setBack(now int64) bool {
	mark, _ := strconv.ParseInt(l.kept("mark"), 10, 64)
	if now > mark {
		l.keep("mark", strconv.FormatInt(now, 10))
	}
	return now < mark-ahead
}

func (l *licence) proved(now int64) map[string]any {
	token := l.kept("proof")
	if l.file != "" {
		text, _ := os.ReadFile(l.file)
		token = strings.TrimSpace(string(text))
	}
	claims, err := verify(token, pinned.keySet, pinned.Issuer, pinned.Tool, l.node, now)
	if err != nil {
		return nil
	}
	mark, _ := strconv.ParseInt(l.kept("mark"), 10, 64)
	if issued, ok := second(claims["iat"]); ok && issued > mark {
		l.keep("mark", strconv.FormatInt(issued, 10))
	}
	return claims
}

// state says whether new work may begin: by an answer just now, else by what is proved.
func (l *licence) state(code string, answered bool) known {
	now := time.Now().Unix()
	if l.setBack(now) {
		return known{false, "CLOCK_SET_BACK", 0}
	}
	claims := l.proved(now)
	if refused := l.kept("refused"); l.file == "" && refused != "" {
		return known{false, refused, 0}
	}
	if claims != nil {
		until, _ := second(claims["exp"])
		return known{true, code, until}
	}
	if l.file != "" {
		code = "FILE_REFUSED"
	}
	return known{answered, code, 0}
}

// beat asks once; it returns what is known now, and in how many seconds to ask again.
func (l *licence) beat() (known, int) {
	if l.file != "" {
		return l.state("OFFLINE_FILE", false), longest
	}
	status, said, retry := l.send("PUT", map[string]string{"run": l.run, "tool": pinned.Tool}, "")
	code, _ := said["code"].(string)
	if status == 200 || status == 201 {
		l.failures = 0
		proof, _ := said["proof"].(string)
		wait, _ := second(said["renew_after_s"])
		l.keep("refused", "")
		l.keep("proof", proof)
		return l.state(code, true), int(wait)
	}
	var now known
	if status >= 400 && status < 500 && status != 408 && status != 429 && code != "" { // an answer: it counts at once
		l.keep("refused", code)
		l.keep("proof", "")
		now = l.state(code, false)
	} else { // no answer says nothing: what is proved goes on
		now = l.state("SERVER_AWAY", false)
	}
	l.failures++
	if retry > 0 {
		return now, retry
	}
	wait := shortest
	for n := 0; n < l.failures && wait < longest; n++ {
		wait *= 2
	}
	if wait > longest {
		wait = longest
	}
	return now, wait
}

// send asks once; status 0 is no answer. The key goes into the header and nowhere else.
func (l *licence) send(method string, body any, query string) (int, map[string]any, int) {
	var text io.Reader
	if body != nil {
		raw, _ := json.Marshal(body)
		text = bytes.NewReader(raw)
	}
	asked, err := http.NewRequest(method, l.url+"/api/v1/licences/nodes/"+l.node+query, text)
	if err != nil {
		return 0, nil, 0
	}
	asked.Header = http.Header{"Authorization": {"Bearer " + l.key}, "Content-Type": {"application/json"}, "Accept-Language": {"en"}}
	answer, err := (&http.Client{Timeout: 10 * time.Second}).Do(asked)
	if err != nil {
		return 0, nil, 0
	}
	defer answer.Body.Close()
	raw, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	said, _ := object(raw)
	wait, _ := strconv.Atoi(answer.Header.Get("Retry-After"))
	return answer.StatusCode, said, wait
}

// jitter spreads a wait by a tenth to both sides, so that a cluster does not come at once.
func jitter(seconds int) time.Duration {
	share, err := rand.Int(rand.Reader, big.NewInt(201))
	if err != nil {
		return time.Duration(seconds) * time.Second
	}
	return time.Duration(int64(seconds)*(900+share.Int64())) * time.Millisecond
}

func run(words []string) {
	asked := flag.NewFlagSet("run", flag.ExitOnError)
	beats := asked.Int("beats", 0, "end after so many")
	most := asked.Float64("wait-at-most", 86400, "seconds")
	_ = asked.Parse(words)
	l := open()
	ends := make(chan os.Signal, 1)
	signal.Notify(ends, syscall.SIGTERM, syscall.SIGINT)
beating:
	for n := 1; ; n++ {
		now, seconds := l.beat()
		line, _ := json.Marshal(now)
		fmt.Println(string(line))
		if n == *beats {
			break
		}
		wait := jitter(seconds)
		if limit := time.Duration(*most * float64(time.Second)); wait > limit {
			wait = limit
		}
		select {
		case <-ends:
			break beating
		case <-time.After(wait):
		}
	}
	if l.file == "" {
		if status, _, _ := l.send("DELETE", nil, "?run="+l.run); status == 204 {
			l.keep("proof", "") // the seat is given back, and so is the right to run without an answer
		}
	}
}

func check(words []string) error {
	var keys keySet
	text, err := os.ReadFile(words[0])
	if err == nil {
		err = json.Unmarshal(text, &keys)
	}
	if err != nil {
		return err
	}
	token, err := os.ReadFile(words[1])
	if err != nil {
		return err
	}
	now := time.Now().Unix()
	if given, wrong := strconv.ParseInt(os.Getenv("NOW"), 10, 64); wrong == nil {
		now = given
	}
	found, err := verify(strings.TrimSpace(string(token)), keys, words[2], words[3], words[4], now)
	if err == nil {
		fmt.Println(found["jti"])
	}
	return err
}

func main() {
	if err := json.Unmarshal(pinnedText, &pinned); err != nil {
		leave("pinned.json: " + err.Error())
	}
	switch {
	case len(os.Args) == 7 && os.Args[1] == "verify":
		if err := check(os.Args[2:]); err != nil {
			leave("refused: " + err.Error())
		}
	case len(os.Args) > 1 && os.Args[1] == "run":
		run(os.Args[2:])
	default:
		leave("usage: licence verify KEYS.json FILE.lic ISSUER TOOL NODE\n       licence run [--beats N] [--wait-at-most SECONDS]")
	}
}
