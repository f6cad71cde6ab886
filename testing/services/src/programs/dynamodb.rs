//! An emulator of DynamoDB: moto's server, which is made to carry out one request at a time.

use std::process::Command;

use super::http;
use crate::{
    Result,
    process::Account,
    program::{Place, Program},
    tool::{Source, Tool},
};

pub(crate) const SERVER: Tool = Tool {
    program: "moto_server",
    source: Source::Python {
        requirement: "moto[server]==5.2.5",
        folder: "moto",
        constraints: "testing/services/moto.txt",
    },
};

/// The head of a question that needs no table. The emulator looks at the signature's form only.
const LIST_TABLES: &str = "content-type: application/x-amz-json-1.0\r\nx-amz-target: DynamoDB_20120810.ListTables\r\n\
    authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=00\r\n";

/// What Python reads before the server: `sitecustomize.py`, which says why.
const ONE_AT_A_TIME: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/moto");

#[derive(Debug)]
pub(crate) struct Dynamodb;

impl Program for Dynamodb {
    fn tool(&self) -> Tool {
        SERVER
    }

    /// Its files are in the workspace, where `nobody` may have no access.
    fn account(&self) -> Account {
        Account::Own
    }

    fn prepare(&self, _: &Place) -> Result {
        Ok(())
    }

    fn arguments(&self, place: &Place, command: &mut Command) {
        command.args(["--host", "127.0.0.1", "--port", &place.port.number().to_string()]);
        command.env("PYTHONPATH", ONE_AT_A_TIME);
    }

    fn is_ready(&self, place: &Place) -> bool {
        http::ask(place.port.number(), "POST", "/", LIST_TABLES, "{}")
            .is_ok_and(|response| http::is_ok(&response) && response.contains("TableNames"))
    }

    fn initialize(&self, _: &Place) -> Result {
        Ok(())
    }

    fn url(&self, place: &Place) -> String {
        format!("dynamodb://127.0.0.1:{}", place.port.number())
    }
}
