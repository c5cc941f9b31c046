cask "llamapool-app" do
  version "@VERSION@"
  sha256 "@SHA256:llamapool-@VERSION@-macos-universal.dmg@"

  url "https://github.com/llamapool/llamapool/releases/download/v#{version}/llamapool-#{version}-macos-universal.dmg"
  name "llamapool"
  desc "Share this computer's LLM runtime with your llamapool server"
  homepage "https://github.com/llamapool/llamapool"

  livecheck do
    url :url
    strategy :github_latest
  end

  depends_on macos: ">= :big_sur"

  app "llamapool.app"

  uninstall quit: "io.llamapool.desktop"

  zap trash: [
    "~/Library/Application Support/llamapool",
    "~/Library/Caches/io.llamapool.desktop",
    "~/Library/LaunchAgents/llamapool.plist",
    "~/Library/Logs/llamapool",
    "~/Library/WebKit/io.llamapool.desktop",
  ]
end
