//! Wants the network, through its language's own library.

use std::net::TcpStream;

use guest::{Guest, export_guest};

struct Imports;

impl Guest for Imports {
    fn run() -> Result<(), String> {
        TcpStream::connect("127.0.0.1:80").map(|_| ()).map_err(|error| error.to_string())
    }
}

export_guest!(Imports);
