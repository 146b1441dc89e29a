"""Fetches Apache Kafka from its Maven artifacts into ``.cache``, and finds the Java it runs on."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from devkit.errors import StackError

KAFKA_VERSION = "4.3.1"

MAVEN_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"

JAVA_AT_LEAST = 17

_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>obzvon</groupId><artifactId>kafka</artifactId><version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId>
      <version>{version}</version>
    </dependency>
    <!-- Without it nothing that Kafka logs is written anywhere. -->
    <dependency>
      <groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId>
      <version>2.25.4</version>
    </dependency>
  </dependencies>
</project>
"""

_LOG4J = """Configuration:
  Appenders:
    Console:
      name: out
      PatternLayout: {pattern: "%d{HH:mm:ss.SSS} %p %m (%c{1})%n%throwable"}
  Loggers:
    Root: {level: WARN, AppenderRef: [{ref: out}]}
"""


def cache_dir() -> Path:
    """Returns ``.cache`` of the repository, or of the current folder outside the repository."""
    repository = Path(__file__).resolve().parents[4]
    return (repository if (repository / "Makefile").exists() else Path.cwd()) / ".cache"


def fetch_kafka(cache: Path | None = None, say: Callable[[str], None] = lambda _: None) -> Path:
    """Returns Kafka's folder; Maven fetches its jars unless they are there."""
    home = (cache or cache_dir()) / f"kafka-{KAFKA_VERSION}"
    if (home / "libs").is_dir():
        say(f"Kafka {KAFKA_VERSION} is in {home}")
        return home
    maven = shutil.which("mvn")
    if maven is None:
        raise StackError(
            "mvn is missing, which fetches Apache Kafka: install Maven (apt-get install maven)"
        )
    say(f"fetching Kafka {KAFKA_VERSION} into {home} …")
    home.mkdir(parents=True, exist_ok=True)
    (home / "pom.xml").write_text(_POM.format(version=KAFKA_VERSION))
    (home / "log4j2.yaml").write_text(_LOG4J)
    # Into another folder, renamed when complete: half a fetch never counts as one.
    partial = home / f"libs.{os.getpid()}"
    fetched = subprocess.run(  # noqa: S603 - our own command line
        [maven, "-B", "-q", "-ntp", MAVEN_PLUGIN, f"-DoutputDirectory={partial}"],
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    if fetched.returncode != 0:
        shutil.rmtree(partial, ignore_errors=True)
        errors = [line for line in fetched.stdout.splitlines() if "[ERROR]" in line]
        raise StackError(
            f"Maven could not fetch Kafka {KAFKA_VERSION}: "
            f"{(errors or [fetched.stderr.strip() or 'it gave no reason'])[0]}"
        )
    try:
        partial.rename(home / "libs")
    except OSError:  # another process was faster
        shutil.rmtree(partial, ignore_errors=True)
    say(f"Kafka {KAFKA_VERSION} is in {home}")
    return home


def find_java() -> str:
    """Returns the path of a Java on which Kafka runs."""
    java = shutil.which("java")
    if java is None:
        raise StackError(
            f"java is missing, which Kafka needs: install Java {JAVA_AT_LEAST} or newer "
            "(apt-get install openjdk-17-jre-headless)"
        )
    output = subprocess.run(  # noqa: S603 - our own command line
        [java, "-version"], capture_output=True, text=True, check=False
    ).stderr
    found = re.search(r'version "(\d+)', output)
    if found is None or int(found[1]) < JAVA_AT_LEAST:
        first = output.splitlines()[0] if output else "says no version"
        raise StackError(f"Kafka needs Java {JAVA_AT_LEAST} or newer; {java} is: {first}")
    return java
