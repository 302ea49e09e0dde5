// labtool is the one program of the lab's own inside of namespaces and images: the first process of a node, the
// program of the pause image, and small network questions for tests. Static, without dependencies.
package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const usage = `labtool init READY [SYSCTL=VALUE ...]   set sysctls, make the file READY, then reap children until killed
labtool guard FOLDER GROUP ...          when stdin ends, remove control groups and the folder
labtool pause                           wait for SIGTERM or SIGINT
labtool get URL                         GET, print status and body
labtool tcp HOST:PORT                   connect
labtool lookup NAME                     resolve
labtool serve ADDRESS                   answer every request with the host name
labtool exit SECONDS CODE               wait, then end with CODE`

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "labtool:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) == 0 {
		arguments = []string{"pause"}
	}
	command, rest := arguments[0], arguments[1:]
	switch {
	case command == "init" && len(rest) >= 1:
		return initialize(rest[0], rest[1:])
	case command == "guard" && len(rest) >= 1:
		return guard(rest[0], rest[1:])
	case command == "pause" && len(rest) == 0:
		pause()
		return nil
	case command == "get" && len(rest) == 1:
		return get(rest[0])
	case command == "tcp" && len(rest) == 1:
		connection, err := net.DialTimeout("tcp", rest[0], 2*time.Second)
		if err != nil {
			return err
		}
		return connection.Close()
	case command == "lookup" && len(rest) == 1:
		addresses, err := net.LookupHost(rest[0])
		fmt.Println(strings.Join(addresses, " "))
		return err
	case command == "serve" && len(rest) == 1:
		return serve(rest[0])
	case command == "exit" && len(rest) == 2:
		return exit(rest[0], rest[1])
	}
	return fmt.Errorf("not understood: %q\n%s", strings.Join(arguments, " "), usage)
}

// initialize is process 1 of a process id namespace: when it ends, the kernel kills all others there.
func initialize(ready string, settings []string) error {
	for _, setting := range settings {
		name, value, found := strings.Cut(setting, "=")
		if !found {
			return fmt.Errorf("no value in %q", setting)
		}
		path := "/proc/sys/" + strings.ReplaceAll(name, ".", "/")
		if err := os.WriteFile(path, []byte(value), 0o644); err != nil {
			return err
		}
	}
	if err := os.WriteFile(ready, nil, 0o644); err != nil {
		return err
	}
	children := make(chan os.Signal, 1)
	signal.Notify(children, syscall.SIGCHLD)
	// Shims are orphans by design: whoever is process 1 has to reap them.
	for range children {
		for {
			pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
			if pid <= 0 || err != nil {
				break
			}
		}
	}
	return nil
}

// guard outlives whoever started it, however that ended, and removes what the kernel does not remove by itself.
func guard(folder string, groups []string) error {
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	// The last processes may still be on their way out; a group cannot be removed before they are.
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		left := 0
		for _, group := range groups {
			if !removeGroup(group) {
				left++
			}
		}
		if left == 0 {
			return os.RemoveAll(folder)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d control groups are still in use", left)
		}
	}
}

// removeGroup tells whether a control group and all below it are gone.
func removeGroup(group string) bool {
	entries, _ := os.ReadDir(group)
	for _, entry := range entries {
		if entry.IsDir() {
			removeGroup(filepath.Join(group, entry.Name()))
		}
	}
	err := syscall.Rmdir(group)
	return err == nil || err == syscall.ENOENT
}

func pause() {
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM, syscall.SIGINT)
	<-end
}

func get(url string) error {
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	client := http.Client{Timeout: 3 * time.Second, Transport: transport}
	answer, err := client.Get(url)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	fmt.Printf("%d %s\n", answer.StatusCode, body)
	return err
}

func serve(address string) error {
	name, err := os.Hostname()
	if err != nil {
		return err
	}
	http.HandleFunc("/", func(writer http.ResponseWriter, _ *http.Request) { fmt.Fprint(writer, name) })
	return http.ListenAndServe(address, nil)
}

func exit(seconds, code string) error {
	wait, err := time.ParseDuration(seconds + "s")
	if err != nil {
		return err
	}
	var number int
	if _, err := fmt.Sscan(code, &number); err != nil {
		return err
	}
	time.Sleep(wait)
	os.Exit(number)
	return nil
}
