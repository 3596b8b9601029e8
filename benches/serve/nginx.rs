//! nginx with a configuration of its own, below a directory of its own.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use crate::child::{self, Server};
use crate::cores;
use crate::feeds::IMAGES_AT;

/// nginx, and where its servers listen.
#[derive(Debug)]
pub(crate) struct Nginx {
    pub(crate) server: Server,
    /// Serves the files of the directory, without an access log.
    pub(crate) files: SocketAddr,
    /// The same with an access log.
    pub(crate) files_logged: SocketAddr,
    /// Without an access log, and without `open_file_cache`, which is off unless it is configured.
    pub(crate) files_uncached: SocketAddr,
    /// Fetches from the publisher and rewrites with `sub_filter`.
    pub(crate) proxy: SocketAddr,
}

impl Nginx {
    /// Starts nginx, if it is installed.
    pub(crate) fn start(directory: &Path, origin: SocketAddr) -> anyhow::Result<Option<Self>> {
        let Some(program) = cores::installed("nginx") else {
            return Ok(None);
        };
        let (files, files_logged) = (child::free_addr()?, child::free_addr()?);
        let (files_uncached, proxy) = (child::free_addr()?, child::free_addr()?);
        let at = directory.display().to_string();
        let config = directory.join("nginx.conf");
        let text = [
            main(&at),
            files_server(files, "off", "max=1000 inactive=600s"),
            files_server(
                files_logged,
                &format!("{at}/access.log"),
                "max=1000 inactive=600s",
            ),
            files_server(files_uncached, "off", "off"),
            proxy_server(proxy, origin),
            "}\n".into(),
        ];
        fs::write(&config, text.concat())?;
        let mut command = cores::on_the_servers_core(&program);
        command.args(["-p", &at, "-c"]).arg(config);
        let server = Server::start(command, files, &directory.join("nginx.log"))?;
        Ok(Some(Self {
            server,
            files,
            files_logged,
            files_uncached,
            proxy,
        }))
    }
}

fn main(at: &str) -> String {
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|kind| format!("  {kind}_temp_path {at}/{kind};\n"))
        .collect();
    format!(
        "daemon off;
user root;
worker_processes 1;
pid {at}/nginx.pid;
error_log {at}/error.log error;
events {{ worker_connections 1024; }}
http {{
{temporary}  types {{ application/rss+xml xml; }}
  root {at};
  sendfile on;
  tcp_nopush on;
  tcp_nodelay on;
  keepalive_timeout 600;
  keepalive_requests 1000000000;
  open_file_cache_valid 600s;
"
    )
}

fn files_server(addr: SocketAddr, access_log: &str, open_file_cache: &str) -> String {
    format!(
        "  server {{ listen {addr}; access_log {access_log}; open_file_cache {open_file_cache}; gzip_static on; gzip_vary on; }}\n"
    )
}

/// Buffers large enough that nothing goes through a temporary file.
fn proxy_server(addr: SocketAddr, origin: SocketAddr) -> String {
    format!(
        "  upstream origin {{ server {origin}; keepalive 16; keepalive_requests 1000000000; }}
  server {{
    listen {addr};
    access_log off;
    location / {{
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection \"\";
      proxy_set_header Accept-Encoding \"\";
      proxy_buffer_size 16k;
      proxy_buffers 32 64k;
      proxy_busy_buffers_size 128k;
      proxy_max_temp_file_size 0;
      sub_filter 'src=\"{IMAGES_AT}' 'src=\"https://images.weserv.nl/?url=https%3A%2F%2Fimg.example.org%2F';
      sub_filter_once off;
      sub_filter_types *;
      gzip on;
      gzip_comp_level 1;
      gzip_min_length 0;
      gzip_proxied any;
      gzip_types *;
    }}
  }}
"
    )
}
