package problem

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/licenseledger/licenseledger/httpapi/correlation"
)

// Listener returns a listener for an [http.Server]. Package net/http answers what is not HTTP by itself, in plain text, before any handler
// sees it: a bad request line, a bad header, too many headers, an unknown transfer coding. On the connections of the listener these answers
// are problem documents, and none of them is the server's fault.
//
// Two answers stay as they are, because net/http sends them like those of a handler: 417 for an unknown Expect header, without a body, and
// a closed connection when the headers do not arrive in time.
func (r Reporter) Listener(l net.Listener, newID func() string) net.Listener {
	return listener{Listener: l, reporter: r, newID: newID}
}

type listener struct {
	net.Listener
	reporter Reporter
	newID    func() string
}

// Accept implements [net.Listener].
func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &connection{Conn: c, listener: l}, nil
}

type connection struct {
	net.Conn
	listener listener
}

// Write implements [net.Conn].
func (c *connection) Write(p []byte) (int, error) {
	statusLine, isRefusal := refusalOfHTTP(p)
	if !isRefusal {
		return c.Conn.Write(p)
	}
	if _, err := c.Conn.Write(c.listener.response(errorOfHTTP(statusLine), c.RemoteAddr())); err != nil {
		return 0, err
	}
	return len(p), nil
}

// CloseWrite lets net/http close its half of the connection, so that the client reads the response before the connection ends.
func (c *connection) CloseWrite() error {
	if half, is := c.Conn.(interface{ CloseWrite() error }); is {
		return half.CloseWrite()
	}
	return nil
}

// headersOfHTTP follow the status line of every refusal of net/http, in one write with it. Responses of handlers have other headers first.
var headersOfHTTP = []byte("\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n")

// refusalOfHTTP returns the status line of a refusal of net/http.
func refusalOfHTTP(p []byte) (string, bool) {
	if !bytes.HasPrefix(p, []byte("HTTP/1.1 4")) && !bytes.HasPrefix(p, []byte("HTTP/1.1 5")) {
		return "", false
	}
	end := bytes.Index(p, []byte("\r\n"))
	if end < 0 || !bytes.HasPrefix(p[end:], headersOfHTTP) {
		return "", false
	}
	return string(p[:end]), true
}

// errorOfHTTP returns the refusal of a request that net/http refused with a status line such as "HTTP/1.1 400 Bad Request: malformed Host
// header".
func errorOfHTTP(statusLine string) error {
	status, why, _ := strings.Cut(strings.TrimPrefix(statusLine, "HTTP/1.1 "), ": ")
	switch {
	case strings.HasPrefix(status, "431 "):
		return ErrHeadersTooLarge
	case strings.HasPrefix(status, "501 "):
		return Field("Transfer-Encoding", "must be chunked, or absent")
	case why != "":
		return Field("request", "is not valid HTTP: "+why)
	default:
		return Field("request", "is not valid HTTP")
	}
}

// response returns the whole response with the problem document of an error.
func (l listener) response(err error, from net.Addr) []byte {
	refused, fields := classify(err)
	id := l.newID()
	l.reporter.Log.Info("a request was refused before it could be read", "code", refused.Code, "error", err,
		"from", from.String(), "correlation", id)
	document := newDocument(refused, fields, id)
	body, err := json.Marshal(document)
	if err != nil {
		body = nil // plain fields always marshal
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "HTTP/1.1 %d %s\r\n", document.Status, http.StatusText(document.Status))
	header := http.Header{}
	header.Set("Cache-Control", "no-store")
	header.Set("Connection", "close")
	header.Set("Content-Length", fmt.Sprint(len(body)))
	header.Set("Content-Type", MediaType)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set(correlation.Header, id)
	_ = header.Write(&out) // to memory
	out.WriteString("\r\n")
	out.Write(body)
	return out.Bytes()
}
