"""`GET /api/payment/user/tokens` in FastAPI and SQLAlchemy's asyncio, with JWT and ETag."""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any
from uuid import UUID

import jwt
import uvicorn
from fastapi import Depends, FastAPI, Header, HTTPException, Response
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

engine = create_async_engine(os.environ["SQLALCHEMY_URL"], pool_size=20)
sessions = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "accounts_user"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    is_active: Mapped[bool]
    suspended_at: Mapped[datetime | None]


class Family(Base):
    __tablename__ = "accounts_tokenfamily"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID]
    revoked_at: Mapped[datetime | None]


class Wallet(Base):
    __tablename__ = "payments_wallet"
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    balance: Mapped[int]
    held: Mapped[int]
    version: Mapped[int]
    epoch: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Tokens(BaseModel):
    user_id: UUID
    balance: int
    held: int
    available: int
    debt: int
    version: int
    epoch: int
    created_at: datetime
    updated_at: datetime


app = FastAPI()


async def session() -> Any:
    async with sessions() as opened:
        yield opened


async def person(
    authorization: str = Header(),
    db: AsyncSession = Depends(session),  # noqa: B008
) -> User:
    claims = jwt.decode(
        authorization.removeprefix("Bearer "), os.environ["SIGNING_KEY"], algorithms=["HS256"]
    )
    family = Family.id == UUID(claims["fam"])
    query = select(User).join(Family, Family.user_id == User.id)
    user = await db.scalar(query.where(family, Family.revoked_at.is_(None)))
    if user is None or not user.is_active or user.suspended_at:
        raise HTTPException(401)
    return user


@app.get("/api/payment/user/tokens")
async def tokens(
    response: Response,
    if_none_match: str | None = Header(None),
    user: User = Depends(person),  # noqa: B008
    db: AsyncSession = Depends(session),  # noqa: B008
) -> Any:
    wallet = await db.get_one(Wallet, user.id)
    etag = f'"{wallet.epoch}.{wallet.version}"'
    if if_none_match == etag:
        return Response(status_code=304, headers={"ETag": etag})
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = "private, no-cache"
    return Tokens(
        available=max(0, wallet.balance - wallet.held),
        debt=max(0, wallet.held - wallet.balance),
        **{c.name: getattr(wallet, c.name) for c in Wallet.__table__.columns},
    )


uvicorn.run(app, port=int(os.environ["PORT"]), log_level="error", access_log=False)
