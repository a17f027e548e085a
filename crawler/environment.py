"""The environment variables, read in this one place."""

from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

#: What is used where DATABASE_URL is not set: a file in the working directory. Only this one is migrated by itself.
EMBEDDED_DATABASE = "sqlite:///crawler.db"

#: Where container engines put secrets, a file each, named like the variable in lower case.
SECRETS_DIR = Path("/run/secrets")


class Environment(BaseSettings):
    """What the environment says; README.md has the table. A variable wins over a secret file of its name."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True)

    #: `sqlite:///crawler.db` or `postgresql+psycopg://user:password@host/name`.
    database_url: str = EMBEDDED_DATABASE
    #: Folder of the WARC files.
    warc_dir: Path = Path("archive")
    #: Address at which the people of a crawled site can reach you: it goes into the User-Agent.
    contact: str | None = None
    #: Proxy for all requests, off by default.
    proxy_url: str | None = None
    #: Key of the hashes of who was forgotten.
    forget_key: SecretStr | None = None

    @property
    def forget_secret(self) -> str | None:
        """FORGET_KEY, readable."""
        return self.forget_key.get_secret_value() if self.forget_key else None

    def __init__(self, **values: Any) -> None:
        # pydantic-settings warns about a secrets folder that is not there, and outside containers there is none.
        super().__init__(_secrets_dir=SECRETS_DIR if SECRETS_DIR.is_dir() else None, **values)
