package main

import (
	"net"
	"sync"
	"time"
)

// piece is how much is sent at once: small beside what goes in a second, so that the line is slow all the time.
const piece = 16 << 10

// line is what all connections of a slow listener share: with one more of them, each gets less.
type line struct {
	perSecond uint64
	mutex     sync.Mutex
	free      time.Time
}

// wait returns when so many bytes have gone down the line.
func (line *line) wait(bytes int) {
	line.mutex.Lock()
	defer line.mutex.Unlock()
	if now := time.Now(); line.free.Before(now) {
		line.free = now
	}
	line.free = line.free.Add(time.Duration(bytes) * time.Second / time.Duration(line.perSecond))
	time.Sleep(time.Until(line.free))
}

// slowListener's connections send down one line; what they receive is not slowed down.
type slowListener struct {
	net.Listener
	line *line
}

func (listener *slowListener) Accept() (net.Conn, error) {
	connection, err := listener.Listener.Accept()
	return &slowConnection{connection, listener.line}, err
}

type slowConnection struct {
	net.Conn
	line *line
}

func (connection *slowConnection) Write(bytes []byte) (int, error) {
	for sent := 0; sent < len(bytes); {
		end := min(sent+piece, len(bytes))
		connection.line.wait(end - sent)
		n, err := connection.Conn.Write(bytes[sent:end])
		if sent += n; err != nil {
			return sent, err
		}
	}
	return len(bytes), nil
}
