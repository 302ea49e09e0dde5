//! Wants the network.

use guest::{Guest, export_guest};

wit_bindgen::generate!({
    inline: r#"
        package wants:http;
        world wanting { import wasi:http/client@0.2.0; }
        package wasi:http@0.2.0 { interface client { handle: func(url: string); } }
    "#,
    generate_all,
});

struct Imports;

impl Guest for Imports {
    fn run() -> Result<(), String> {
        wasi::http::client::handle("http://example.test/");
        Ok(())
    }
}

export_guest!(Imports);
