class Llamapool < Formula
  desc "Your own machines behind one OpenAI-compatible API: server and worker"
  homepage "https://github.com/llamapool/llamapool"
  version "@VERSION@"
  license "MIT"

  on_macos do
    url "https://github.com/llamapool/llamapool/releases/download/v@VERSION@/llamapool-worker-@VERSION@-macos-universal.tar.gz"
    sha256 "@SHA256:llamapool-worker-@VERSION@-macos-universal.tar.gz@"

    resource "server" do
      url "https://github.com/llamapool/llamapool/releases/download/v@VERSION@/llamapool-server-@VERSION@-macos-universal.tar.gz"
      sha256 "@SHA256:llamapool-server-@VERSION@-macos-universal.tar.gz@"
    end
  end

  on_linux do
    on_intel do
      url "https://github.com/llamapool/llamapool/releases/download/v@VERSION@/llamapool-worker-@VERSION@-linux-x86_64.tar.gz"
      sha256 "@SHA256:llamapool-worker-@VERSION@-linux-x86_64.tar.gz@"

      resource "server" do
        url "https://github.com/llamapool/llamapool/releases/download/v@VERSION@/llamapool-server-@VERSION@-linux-x86_64.tar.gz"
        sha256 "@SHA256:llamapool-server-@VERSION@-linux-x86_64.tar.gz@"
      end
    end
    on_arm do
      url "https://github.com/llamapool/llamapool/releases/download/v@VERSION@/llamapool-worker-@VERSION@-linux-aarch64.tar.gz"
      sha256 "@SHA256:llamapool-worker-@VERSION@-linux-aarch64.tar.gz@"

      resource "server" do
        url "https://github.com/llamapool/llamapool/releases/download/v@VERSION@/llamapool-server-@VERSION@-linux-aarch64.tar.gz"
        sha256 "@SHA256:llamapool-server-@VERSION@-linux-aarch64.tar.gz@"
      end
    end
  end

  def install
    bin.install "llamapool-worker"
    resource("server").stage { bin.install "llamapool-server" }
  end

  # `brew services start llamapool`
  service do
    run [opt_bin/"llamapool-worker"]
    keep_alive crashed: true
    log_path var/"log/llamapool-worker.log"
    error_log_path var/"log/llamapool-worker.log"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/llamapool-worker --version")
    assert_match version.to_s, shell_output("#{bin}/llamapool-server --version")
  end
end
