package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// connection is one client: it sends a request, reads the answer, and only then sends the next. The transport of net/http
// needs two goroutines per connection for that, which would take the server's time.
type connection struct {
	net.Conn
	host   string
	reader *bufio.Reader
	out    []byte
	answer []byte
}

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 16 << 20

func dial(ctx context.Context, url string) (*connection, error) {
	host := strings.TrimPrefix(url, "http://")
	var dialer net.Dialer
	c, err := dialer.DialContext(ctx, "tcp", host)
	if err != nil {
		return nil, err
	}
	return &connection{Conn: c, host: host, reader: bufio.NewReaderSize(c, 16<<10)}, nil
}

// post sends a request and reads its answer, which is good until the next call. Authorization may be empty.
func (c *connection) post(path, authorization string, body []byte) (status int, answer []byte, err error) {
	c.out = append(append(append(c.out[:0], "POST "...), path...), " HTTP/1.1\r\nHost: "...)
	c.out = append(append(c.out, c.host...), "\r\nContent-Type: application/json\r\n"...)
	if authorization != "" {
		c.out = append(append(append(c.out, "Authorization: "...), authorization...), "\r\n"...)
	}
	c.out = append(c.out, "Content-Length: "...)
	c.out = append(strconv.AppendInt(c.out, int64(len(body)), 10), "\r\n\r\n"...)
	c.out = append(c.out, body...)
	if _, err := c.Write(c.out); err != nil {
		return 0, nil, err
	}
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return 0, nil, err
	}
	size := response.ContentLength
	if size < 0 || size > maxAnswer {
		text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
		return response.StatusCode, text, err
	}
	if int64(cap(c.answer)) < size {
		c.answer = make([]byte, size)
	}
	c.answer = c.answer[:size]
	if _, err := io.ReadFull(response.Body, c.answer); err != nil {
		return 0, nil, err
	}
	return response.StatusCode, c.answer, response.Body.Close()
}

// mustPost posts a request and requires a status.
func (c *connection) mustPost(path, authorization string, body []byte, status int) ([]byte, error) {
	got, answer, err := c.post(path, authorization, body)
	if err == nil && got != status {
		err = fmt.Errorf("%s: status %d: %.500s", path, got, answer)
	}
	return answer, err
}
