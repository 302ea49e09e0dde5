//! Wants what no host has.

use guest::{Guest, export_guest};

wit_bindgen::generate!({
    inline: r#"
        package wants:tools;
        world wanting { import acme:tools/hammer@1.0.0; }
        package acme:tools@1.0.0 { interface hammer { hit: func(); } }
    "#,
    generate_all,
});

struct Imports;

impl Guest for Imports {
    fn run() -> Result<(), String> {
        acme::tools::hammer::hit();
        Ok(())
    }
}

export_guest!(Imports);
